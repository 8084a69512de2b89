"""`make service NAME=erp_hr`: writes what is the same in every new service, and nothing else."""

import re
import sys
from pathlib import Path
from zlib import crc32

from shared import contracts
from shared.kernel import generated, ids

ROOT = Path(__file__).resolve().parent.parent
_RELEASED = ROOT / "tests" / "contracts" / "snapshots" / "numbers"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)+")

FILES = {
    "shared/contracts/{name}/__init__.py": '''\
"""Events and operations of `{name}`."""

JOBS = 0x{number:03X}
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS: dict[str, tuple[str, str]] = {{}}
"""What each permission that no resource declares lets its holder do, in English and French."""
''',
    "services/{name}/__init__.py": '''\
"""What {name} is for, and what it leaves to others."""
''',
    "services/{name}/service.py": '''\
"""The table of contents of {name}."""


class {cls}:
    """What {name} does, in one line; its bases are the classes of its flow files."""

    name = "{name}"
''',
    "services/{name}/models/__init__.py": '''\
"""What {name} keeps: one module for each aggregate."""

from sqlalchemy.orm import DeclarativeBase

from shared.storage.database import Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()
''',
    "services/{name}/README.md": """\
# {name}

What it is for, in one sentence.

## Owns

Nothing yet.
""",
    "tests/{name}/test_service.py": '''\
"""{name} on a database of its own."""

from collections.abc import Callable

from {name}.service import {cls}
from tests.harness import Harness


def test_it_answers(service: Callable[[type], Harness]) -> None:
    assert service({cls}).call("list_parked_messages") == {{"data": [], "next_cursor": None}}
''',
}


def number_for(name: str) -> int:
    """A number that no event and no job ever had; where to look first follows from the name."""
    contracts.operations()
    taken: set[int] = {*ids.ASSIGNED.values(), *generated.merged(_RELEASED).values()}
    first = crc32(name.encode()) & 0xFFF
    candidates: list[int] = [*range(max(first, 1), 1 << 12), *range(1, first)]
    return next(number for number in candidates if number not in taken)


def write(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a new service. Raises ValueError for a name that is none, or is taken."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: a service is called like erp_hr, lower-case words joined by underscores")
    cls, number = "".join(word.title() for word in name.split("_")), number_for(name)
    texts = {root / file.format(name=name): text for file, text in FILES.items()}
    if taken := [str(file.relative_to(root)) for file in texts if file.exists() or file.parent.exists()]:
        raise ValueError(f"{name} exists: {taken[0]}")
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(name=name, cls=cls, number=number), encoding="utf-8")
    return list(texts)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("make service NAME=erp_hr", file=sys.stderr)
        return 2
    try:
        files = write(arguments[0])
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    print("\n".join(str(file.relative_to(ROOT)) for file in files))
    print("Now `make contracts`, then ARCHITECTURE.md, Add a resource.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
