"""One clock: who reads the machine's time instead of `shared/kernel/clock.py`, and why that is right."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files, short, tree

_MESSAGES = "messages travel between processes: attempts, leases, and for how long what was received is remembered"
_STATEMENT = "the 90 seconds of a statement are for calls under way, which must not end because the clock moves"
_DEADLINE = "the deadline of a call under way"
_LEASE = "a lease: moving the clock takes no work from who is at it"
_WINDOW = "a window of seconds between two requests"

BY_THE_MACHINE = {
    "shared/kernel/clock.py": ({"datetime.now", "time.time", "time.time_ns"}, "the one place"),
    "shared/api/caller.py": ({"time.time"}, _STATEMENT),
    "shared/messaging/awaited.py": ({"machine_now"}, _DEADLINE),
    "shared/messaging/rpc.py": ({"machine_now"}, _DEADLINE),
    "services/gateway/calls/rpc.py": ({"time.time"}, _DEADLINE),
    "shared/messaging/relay.py": ({"machine_now", "statement_timestamp()"}, _MESSAGES),
    "shared/messaging/inbox.py": ({"machine_now", "now()", "clock_timestamp()"}, _MESSAGES),
    "shared/messaging/together.py": ({"now()", "clock_timestamp()"}, _MESSAGES),
    "shared/messaging/timers.py": ({"now()"}, _MESSAGES),
    "shared/ops/parked_messages.py": ({"now()"}, _MESSAGES),
    "shared/derived/parked.py": ({"now()"}, _MESSAGES),
    "shared/storage/functions.py": ({"now()"}, "partitions of the outbox; the service must not choose the time itself"),
    "shared/storage/migrations.py": ({"now()"}, "the default of a column that nobody reads"),
    "shared/storage/present.py": ({"now()"}, "the clock, in SQL"),
    "shared/storage/transaction.py": ({"now()"}, "the clock, in a statement of the driver"),
    "shared/jobs/runner.py": ({"now()"}, _LEASE),
    "shared/jobs/run.py": ({"now()"}, _LEASE),
    "services/gateway/calls/own_writes.py": ({"now()"}, _WINDOW),
    "services/gateway/events/tickets.py": ({"now()"}, _WINDOW),
    "services/erp_finance/models/base.py": ({"now()"}, "defaults of columns for rows that migrations made"),
    "deploy/python/webhooks.py": ({"time.time"}, "a client on another machine has no clock of ours"),
    "deploy/auditor/machinery/causes.py": ({"now()"}, _MESSAGES),
    "deploy/auditor/machinery/sequences.py": ({"now()"}, _MESSAGES),
    "deploy/auditor/databases.py": ({"now()"}, _MESSAGES),
}
_SQL = re.compile(
    r"\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\(\)"
    r"|current_timestamp\b|current_time\b|current_date\b|localtimestamp\b|localtime\b)",
    re.IGNORECASE,
)
_READERS = {
    "time": {"time", "time_ns", "gmtime", "localtime", "ctime", "strftime"},
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
}
_SOURCES = [path for path in files("shared", "services", "deploy") if "versions" not in path.parts]


def read(code: ast.AST) -> set[str]:
    """How a piece of code reads the machine's time."""
    found: set[str] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {match.group().lower() for match in _SQL.finditer(node.value)}
        if isinstance(node, ast.Attribute):
            found |= {"machine_now"} if node.attr == "machine_now" else set()
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            found |= {f"{owner}.{node.attr}"} if node.attr in _READERS.get(owner, ()) else set()
            found |= {"func.now"} if owner == "func" and _SQL.fullmatch(f"{node.attr}()") else set()
        if isinstance(node, ast.ImportFrom) and node.module in _READERS:
            found |= {f"{node.module}.{alias.name}" for alias in node.names if alias.name in _READERS[node.module]}
    return found


@pytest.mark.parametrize("path", _SOURCES, ids=short)
def test_what_reads_the_machine_s_time_says_why(path: Path) -> None:
    assert read(tree(path)) == BY_THE_MACHINE.get(short(path), (set(), ""))[0]


def test_what_is_listed_is_there() -> None:
    assert all((ROOT / name).exists() and reason for name, (_, reason) in BY_THE_MACHINE.items())


@pytest.mark.parametrize(
    "code",
    [
        "time.time()", "from time import time", "datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()",
        "text('UPDATE a SET at = NOW()')", "text('WHERE at < current_timestamp')", "func.now()", "clock.machine_now()",
        "field(default_factory=time.time)",
    ],
)  # fmt: skip
def test_it_is_found_in_every_spelling(code: str) -> None:
    assert read(ast.parse(code))
