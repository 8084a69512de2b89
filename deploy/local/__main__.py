"""`python3 -m deploy.local run|stop|reset|prepare|audit|operator|seed`: what the Makefile calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ROOT = CHECKOUT / ".local"


def main(arguments: list[str]) -> int:
    from deploy.local.console import Stop, say

    command, rest = (arguments[0] if arguments else ""), arguments[1:]
    commands = {
        "prepare": prepare, "run": run, "up": up, "stop": stop, "reset": reset,
        "operator": operator, "audit": audit, "seed": seed,
    }  # fmt: skip
    if command not in commands:
        say(f"usage: python3 -m deploy.local {'|'.join(commands)}")
        return 2
    _for_development()
    try:
        return commands[command](rest)
    except Stop as stop_reason:
        say(f"\n{stop_reason}")
        return stop_reason.exit_code
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130


def _for_development() -> None:
    """What starts here is no production, and its clock can be moved (`make clock`); all processes know it."""
    if os.environ.setdefault("LIAISON_MODE", "development") == "development":
        os.environ.setdefault("LIAISON_CLOCK_FILE", str(ROOT / "clock"))


def prepare(_rest: list[str]) -> int:
    """What tests and tools need: servers' packages and both lock files. Quiet when nothing is to do."""
    from deploy.local import packages, venv

    packages.ensure(need_postgresql=True, need_rabbitmq=True)
    venv.ensure(CHECKOUT, with_tools=True)
    return 0


def run(_rest: list[str]) -> int:
    """Install what is missing, then go on in the virtual environment as the same process."""
    from deploy.local import packages, venv
    from deploy.local.console import say

    say("Starting Liaison")
    given = os.environ.get
    packages.ensure(need_postgresql=not given("DATABASE_URL"), need_rabbitmq=not given("AMQP_URI"))
    python = venv.ensure(CHECKOUT, with_tools=False)
    os.chdir(CHECKOUT)
    os.execv(python, [str(python), "-m", "deploy.local", "up"])


def up(_rest: list[str]) -> int:
    from deploy.local import run as life

    ROOT.mkdir(exist_ok=True)
    return life.up(CHECKOUT, ROOT)


def stop(_rest: list[str]) -> int:
    from deploy.local import halt

    return halt.stop(ROOT)


def reset(_rest: list[str]) -> int:
    """Stop, say what goes, delete it."""
    from deploy.local import halt

    return halt.reset(ROOT)


def operator(rest: list[str]) -> int:
    """Any operator command against the running system, with the rights of each service."""
    _in_environment("operator", *rest)
    from deploy.local import tools

    return tools.operator(CHECKOUT, ROOT, rest)


def audit(rest: list[str]) -> int:
    """The auditor may read everything and change nothing."""
    _in_environment("audit", *rest)
    from deploy.local import tools

    return tools.audit(CHECKOUT, ROOT, rest)


def seed(_rest: list[str]) -> int:
    _in_environment("seed")
    from deploy.local import tools

    return tools.seed(ROOT)


def _in_environment(*arguments: str) -> None:
    """Continue in the virtual environment, unless this already is it."""
    from deploy.local.console import Stop
    from deploy.local.venv import python_of

    python = python_of(CHECKOUT)
    if Path(sys.prefix).resolve() == (CHECKOUT / ".venv").resolve():
        return
    if not python.exists():
        raise Stop("Nothing is installed yet: `make run` first.")
    os.chdir(CHECKOUT)
    os.execv(python, [str(python), "-m", "deploy.local", *arguments])


def _open_standard_files() -> None:
    """A closed stdin would hand its number to the first file we open."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)


if __name__ == "__main__":
    _open_standard_files()
    sys.exit(main(sys.argv[1:]))
