"""The guides, and how the tests carry out what stands in them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.suite import ADMIN, Suite

FIRST = {"en": "docs/en/first-order.md", "fr": "docs/fr/premiere-commande.md"}
EVENTS = {"en": "docs/en/events.md", "fr": "docs/fr/evenements.md"}
WEBHOOKS = {"en": "docs/en/webhooks.md", "fr": "docs/fr/webhooks.md"}
IMPORT = {"en": "docs/en/import-contacts.md", "fr": "docs/fr/reprendre-contacts.md"}

SIGN_IN = 3
"""So many blocks of the first guide are the address, the helpers and the sign-in that the others go on from."""

_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def blocks(guide: str) -> list[str]:
    return _BLOCK.findall((ROOT / guide).read_text(encoding="utf-8"))


def carry_out(commands: list[str], running: Suite, folder: Path) -> list[str]:
    """One shell, from the first block to the last, in a folder in which `make run` left its file; what it printed."""
    assert shutil.which("curl"), "the guides need curl: apt-get install curl"
    (folder / ".local").mkdir()
    (folder / ".local" / "liaison.json").write_text(json.dumps({"base_url": running.base_url, "admin": ADMIN}))
    script = "set -eu\n" + "\n".join(commands)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where pika is installed
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()
