"""`python -m tests.faults [--seed N] [--only 1,4,6] [--short] [--json FILE]`: exit code 1 on any violation."""

import argparse
import json
import sys
import time
from pathlib import Path

from deploy.local import servers as local
from tests.faults.gates import collect, run_gate
from tests.faults.reckoning import Result
from tests.faults.rig import Rig
from tests.suite import CHECKOUT


def main(arguments: list[str]) -> int:
    """Run the gates one after the other on one suite; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    root = CHECKOUT / ".local" / "faults"
    root.mkdir(parents=True, exist_ok=True)
    print(f"seed {chosen.seed}; repeat with: python -m tests.faults --seed {chosen.seed}", flush=True)
    servers = local.start(root / "pair", "max_connections = 400")
    results: list[Result] = []
    try:
        rig = Rig(servers, root / "suite", "faults", chosen.seed, chosen.short).start()
        try:
            for number in chosen.only or sorted(collect()):
                results.append(run_gate(rig, number))
                _show(results[-1])
        finally:
            rig.stop()
    finally:
        servers.stop()
    return _conclude(results, chosen.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faults", description="Break the suite on purpose and count what was lost.")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--only", type=_numbers, help="rows of the fault catalogue, e.g. 1,4,6")
    parser.add_argument("--short", action="store_true", help="seconds instead of a minute per gate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if unknown := [n for n in numbers if n not in collect()]:
        raise argparse.ArgumentTypeError(f"no gate {unknown}; there are {sorted(collect())}")
    return numbers


def _show(result: Result) -> None:
    print(result.line, flush=True)
    for violation in result.violations:
        print(f"     ! {violation}", flush=True)


def _conclude(results: list[Result], file: Path | None) -> int:
    if file:
        file.write_text(json.dumps([result.as_dict() for result in results], indent=1, default=str))
    failed = [result.gate for result in results if result.violations]
    totals = {
        name: sum(getattr(r, name) for r in results)
        for name in ("attempts", "accepted", "lost", "doubled", "unbalanced")
    }
    print(
        f"{len(results)} gates, {len(failed)} failed {failed or ''}; "
        + ", ".join(f"{v} {k}" for k, v in totals.items())
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
