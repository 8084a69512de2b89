"""`make sdk`: a typed Python client and TypeScript types, generated from the API document into `sdk/`.

Nothing of it is kept in the repository: what is generated cannot contradict what it was generated from.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.console import Stop, say

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "sdk"
PYTHON_PACKAGE = "liaison_client"
TEMPLATE = Path(__file__).parent / "typescript"


def write_document(path: Path) -> Path:
    """The document as the gateway serves it."""
    from gateway.docs import openapi

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(openapi.document()), encoding="utf-8")
    return path


def python_client(document: Path, folder: Path) -> Path:
    """Generate the package `liaison_client` into a folder, which goes on the import path. Raises Stop."""
    package = folder / PYTHON_PACKAGE
    options = ["--path", str(document), "--output-path", str(package), "--overwrite", "--meta", "none"]
    _run([sys.executable, "-m", "openapi_python_client", "generate", *options, "--fail-on-warning"], folder)
    return package


def typescript_types(document: Path, folder: Path) -> Path:
    """Types in `api.d.ts` beside an example that compiles against them; the tools are npm packages. Raises Stop."""
    if not shutil.which("npm"):
        raise Stop("The TypeScript types need npm: apt-get install npm", 1)
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    _run(
        ["npx", "--no-install", "openapi-typescript", str(document), "-o", "api.d.ts", "--default-non-nullable=false"],
        folder,
    )
    _run(["npx", "--no-install", "tsc", "--noEmit"], folder)
    return folder / "api.d.ts"


def _run(command: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # it formats with ruff
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"{' '.join(command)}\n{done.stdout}{done.stderr}", 1)


def main() -> int:
    document = write_document(FOLDER / "openapi.json")
    say(f"Python      {python_client(document, FOLDER / 'python').relative_to(CHECKOUT)}")
    say(f"TypeScript  {typescript_types(document, FOLDER / 'typescript').relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        sys.exit(str(stop))
