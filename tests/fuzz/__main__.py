"""`make fuzz`: what the document says against what the suite does, for longer than `make test`, as every role."""

import argparse
import random
import sys
from pathlib import Path

from deploy.local import servers as local
from gateway.identity.built_in import ROLES
from tests.conftest import POSTGRES_FOR_TESTS, ROOT
from tests.fuzz.run import GATEWAY, fuzz, stocked
from tests.suite import Suite


def main() -> int:
    chosen = _parser().parse_args()
    root = ROOT / ".local" / "fuzz"
    servers = local.start(root / "servers", POSTGRES_FOR_TESTS)
    try:
        suite = Suite(servers, root / "suite", "fuzz", together=True, gateway_env=GATEWAY).start()
        try:
            return _run(stocked(suite), chosen, root)
        finally:
            suite.stop()
    finally:
        servers.stop()


def _run(suite: Suite, chosen: argparse.Namespace, root: Path) -> int:
    """Every role in turn; the number of roles for which something was found."""
    failed = 0
    for role in chosen.role or ROLES:
        seconds = chosen.seconds if role == "admin" else max(30, chosen.seconds // 5)
        outcome = fuzz(suite, chosen.seed, role, "--max-time", str(seconds))
        report = root / f"{role}.txt"
        report.write_text(outcome.report, encoding="utf-8")
        print(
            f"  {role:14} {seconds:4} s  seed {chosen.seed}  {'well' if outcome.well else f'FAILED: {report}'}",
            flush=True,
        )
        failed += not outcome.well
    suite.quiesce()
    suite.audit()
    print("  the books, the stock and the messages agree with each other", flush=True)
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for the administrator; other roles a fifth (600)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--role", action="append", choices=sorted(ROLES), help="only this role; may be repeated")
    return parser


if __name__ == "__main__":
    sys.exit(main())
