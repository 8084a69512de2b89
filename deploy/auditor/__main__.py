"""`python -m deploy.auditor`: check the invariants. Exit code 0: all hold; 1: violations; 2: it could not run."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from deploy.auditor import history, report
from deploy.auditor.catalogue import TITLES, run
from deploy.auditor.databases import opened
from deploy.auditor.findings import World

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = CHECKOUT / ".local" / "liaison.json"
LANES = 3
"""Checks under way at a time: one computes here while others wait for their databases."""

CLEAN, VIOLATED, FAILED = 0, 1, 2


class CannotRun(Exception):
    """Why there is no verdict."""


def main(arguments: list[str]) -> int:
    """Parse the command line, audit, print the table; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        return _audit(chosen)
    except (CannotRun, OSError, ValueError, psycopg2.Error) as error:
        print(f"The audit could not run: {str(error).strip()}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="auditor", description="Check the invariants across all databases.")
    parser.add_argument("--urls", type=Path, help="JSON file {service: auditor's URL}; default: the running system")
    parser.add_argument("--bindings", type=Path, help="JSON file {service: {consumer: [types]}}; default: asked for")
    parser.add_argument(
        "--grace", type=float, default=300, metavar="SECONDS", help="younger violations are pending (300)"
    )
    parser.add_argument(
        "--history", type=Path, help="what clients did and were answered, as JSON lines (for I7 and I8)"
    )
    parser.add_argument(
        "--since", type=_instant, help="do not look in inboxes for events published before this instant"
    )
    parser.add_argument("--only", type=_names, default=(), metavar="I1,I2", help="check only these invariants")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings as JSON, too")
    return parser


def _names(text: str) -> list[str]:
    names = [part.strip().upper() for part in text.split(",") if part.strip()]
    if unknown := [name for name in names if name not in TITLES]:
        raise argparse.ArgumentTypeError(f"there is no invariant {', '.join(unknown)}")
    return names


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.astimezone()


def _audit(chosen: argparse.Namespace) -> int:
    bindings = _bindings(chosen.bindings)
    urls = _urls(chosen.urls, bindings)
    told = history.read(chosen.history.read_text("utf-8").splitlines()) if chosen.history else []
    started = time.monotonic()
    with opened(urls, LANES) as lanes:
        world, grace = World(lanes[0], bindings, told, chosen.since), timedelta(seconds=chosen.grace)
        results = run(world, chosen.only, grace, lanes)
    seconds = time.monotonic() - started
    print(report.table(results, seconds))
    if chosen.json:
        chosen.json.write_text(report.document(results, lanes[0].read_at, seconds), "utf-8")
    return VIOLATED if any(found.broken for found in results.values()) else CLEAN


def _urls(file: Path | None, services: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """The auditor's address of each service's database. Raises CannotRun when one is missing."""
    if file is None and not STATE.exists():
        raise CannotRun(f"{STATE} does not exist: nothing is running here, and no --urls was given")
    known = json.loads(file.read_text()) if file else json.loads(STATE.read_text())["database_urls"]
    if missing := [service for service in services if service not in known]:
        raise CannotRun(f"no database address for {', '.join(missing)}")
    return {service: known[service] for service in services}


def _bindings(file: Path | None) -> dict[str, dict[str, list[str]]]:
    """Who takes which events, as the services declare it: asked from another process, so that none is loaded here."""
    if file:
        return dict(json.loads(file.read_text()))
    env = os.environ | {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}"}
    argv = [sys.executable, "-m", "shared.ops.operator", "bindings"]
    done = subprocess.run(argv, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise CannotRun(f"the bindings are not known: {done.stderr.strip()[-500:]}")
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
