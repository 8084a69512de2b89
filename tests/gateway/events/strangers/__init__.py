"""Clients that are not ours, in other languages: they share nothing with Liaison but the broker's and the web's protocols."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def install(into: Path) -> Path:
    """The locked npm packages and the programs that use them, in a folder of their own."""
    for name in ("package.json", "package-lock.json", "asyncapi.mjs", "subscriber.mjs"):
        shutil.copy(FOLDER / name, into)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return into


def run(folder: Path, program: str, given: Any, timeout: float = 60) -> Any:
    """What a program prints as JSON, given JSON on its standard input."""
    done = subprocess.run(
        ["node", program], cwd=folder, input=json.dumps(given), capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
