"""`make sdk`: typed clients for Python and TypeScript, generated from the API document into `sdk/`, with a thin layer each.

Nothing that is generated is kept in the repository, so it cannot contradict what it was generated from. The layers
(`deploy/python`, `deploy/typescript`) repeat requests, keep idempotency keys, page through lists and verify webhooks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.local.console import Stop, say

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "sdk"
PYTHON_PACKAGE = "liaison_client"
TEMPLATE = Path(__file__).parent / "typescript"
LAYER = Path(__file__).parent / "python"


def write_document(path: Path) -> Path:
    """The document as clients are generated from it, with the names that the wire has beside it."""
    from gateway.docs import openapi

    document = openapi.document()
    path.parent.mkdir(parents=True, exist_ok=True)
    wire_file(path).write_text(json.dumps(rename(document)), encoding="utf-8")
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def wire_file(document: Path) -> Path:
    return document.with_suffix(".wire.json")


def rename(document: dict[str, Any]) -> dict[str, str]:
    """Give parameters the names that a program can write: {`name_starts`: `name[starts]`}. Keys need not be given."""
    wire: dict[str, str] = {}
    for operation in (o for item in document["paths"].values() for o in item.values()):
        for parameter in operation["parameters"]:
            if name := parameter.get("x-parameter-name"):
                wire[name] = parameter["name"]
                parameter["name"] = name
            if parameter["name"] == "Idempotency-Key":
                parameter["required"] = False  # the layer makes one
    return wire


def python_client(document: Path, folder: Path) -> Path:
    """Generate the package `liaison_client` into a folder, which goes on the import path. Raises Stop."""
    package = folder / PYTHON_PACKAGE
    options = ["--path", str(document), "--output-path", str(package), "--overwrite", "--meta", "none"]
    _run([sys.executable, "-m", "openapi_python_client", "generate", *options, "--fail-on-warning"], folder)
    wire = json.loads(wire_file(document).read_text(encoding="utf-8"))
    for module in (package / "api").glob("*/*.py"):
        module.write_text(_with_wire_names(module.read_text(encoding="utf-8"), wire), encoding="utf-8")
    shutil.copytree(LAYER, package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__init__.py", "__pycache__"))
    return package


_SENT = re.compile(r'(?<=params\[")\w+(?="\])')


def _with_wire_names(source: str, wire: dict[str, str]) -> str:
    """The generator derives the argument and what is sent from one name; what is sent has its own again."""
    return _SENT.sub(lambda found: wire.get(found[0], found[0]), source)


def typescript_client(document: Path, folder: Path) -> Path:
    """Types in `api.d.ts` beside the layer and an example; the tools are npm packages. Raises Stop."""
    if not shutil.which("npm"):
        raise Stop("The TypeScript client needs npm: apt-get install npm", 1)
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    wire = wire_file(document).read_text(encoding="utf-8")
    (folder / "parameters.ts").write_text(f"export default {wire} as const;\n", encoding="utf-8")
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
    say(f"TypeScript  {typescript_client(document, FOLDER / 'typescript').relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        sys.exit(str(stop))
