"""`python -m tests [--service NAME] [--all] [arguments of pytest]`: what `make test` and `make test-all` run.

Without arguments of pytest all tests run in two lanes (tests/lanes.py), the stories in two of the four weathers; with
`--all` in all four. Arguments of pytest make it one plain run of pytest.
"""

import os
import signal
import sys

from tests import lanes, weathers


def main(arguments: list[str]) -> int:
    """Decide what is run; returns the exit code."""
    service = next((a.removeprefix("--service=") for a in arguments if a.startswith("--service=")), "")
    given = [a for a in arguments if a != "--all" and not a.startswith("--service=")]
    if service:
        given = [*_of(service), *given]
    if given:
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *given])
    if "--all" not in arguments:
        os.environ.setdefault(weathers.SETTING, ",".join(weathers.of_commit()))
    print(f"weathers: {', '.join(weathers.chosen())} ({weathers.SETTING} chooses others)", flush=True)
    return lanes.run(lanes.halves())


def _of(service: str) -> list[str]:
    """A service's tests, its contract, and what holds for the code of all."""
    if not (lanes.ROOT / "services" / service).is_dir():
        raise SystemExit(f"there is no service {service}")
    return [f"tests/{service}", "tests/contracts", "tests/architecture"]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
