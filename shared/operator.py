"""The operator's command: `python -m shared.operator --help`."""

import argparse
import sys

from shared import contracts


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="liaison", description="Operate Liaison.")
    commands = parser.add_subparsers(required=True)
    migrate = commands.add_parser("migrate", help="bring databases to the newest schema")
    migrate.add_argument("services", nargs="+", choices=[*contracts.SERVICES, "gateway"])
    migrate.set_defaults(run=_migrate)
    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen) or 0)


def _migrate(chosen: argparse.Namespace) -> None:
    from alembic import command
    from alembic.config import Config

    from shared.migrations import folder

    for service in chosen.services:
        config = Config()
        config.set_main_option("script_location", str(folder(service)))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")


if __name__ == "__main__":
    sys.exit(main())
