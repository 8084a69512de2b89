"""`python -m tests.bench`: measure, print the table, compare with the targets."""

import argparse
import os
import sys
from pathlib import Path

from tests.bench.measure import PARTS, Bench
from tests.bench.report import Report


def main() -> None:
    """Parse the options, run, report."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='…'", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, one repeat: for development")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--orders", type=int, default=0, help="the large past (default 100000; with --quick 1000)")
    parser.add_argument("--json", type=Path, help="write everything to this file too")
    options = parser.parse_args()
    os.environ.setdefault("LIAISON_STREAMS_PER_USER", "1000")  # all clients of the benchmark are one user
    options.orders = options.orders or (1000 if options.quick else 100_000)
    report = Report()
    report.note(
        f"{os.cpu_count()} cores, load before the start {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]};"
        " in brackets what Odoo 19 and Tryton 8.2 reached with the same work on 2 cores"
    )
    try:
        Bench(options, report).run()
        report.summary()
    finally:
        if options.json:
            report.write(options.json)


if __name__ == "__main__":
    main()
