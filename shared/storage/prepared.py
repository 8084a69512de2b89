"""A work-around for psycopg2, which neither prepares statements nor pipelines them: both cost round trips to PostgreSQL.

Nothing else knows of it: `database.py` connects with it, and `transaction.py` says which statement is the last one.
psycopg 3 does both by itself, but blocks the whole process under eventlet; the day that ends, this module goes.

psycopg2 only speaks the simple protocol, so a statement's text is sent once in a PREPARE and then run by EXECUTE. The
parameters of an EXECUTE are the literals that psycopg2 would have put into the text: a literal with a type (a number, a
time, a uuid) is declared with just that type, a literal without one (text, NULL, an array) is left to inference, as
before. So a statement means the same either way; one that PostgreSQL does not want to prepare is sent as ever.

psycopg2 sends a BEGIN of its own and waits for the answer. Here it goes in front of the first statement, and a COMMIT
behind the last one where that is known, in the same message. So psycopg2 itself is left in autocommit; whether a
transaction is open is asked of libpq, which has it from the server with every answer.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg2 import DataError, NotSupportedError, ProgrammingError, errors, extensions

SEEN_BEFORE = 2
"""How often a connection sends a statement plainly; what varies in its text is never worth preparing."""
MOST_PLANS = 200
"""Per connection, each some ten kilobytes of the server's memory; the least recently used one goes."""
LIFETIME = 60.0
"""Seconds. A plan made while a table was small must not outlive the growth of the table."""

_PREPARABLE = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_PATTERN = re.compile(r"\bI?LIKE\b", re.IGNORECASE)
"""What is compared with a pattern is planned each time: how many rows come depends on the pattern's text alone."""
_MARK = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text with $1 … $n, and by which names (None: by position) its parameters come."""

    text: str
    count: int
    names: tuple[str, ...] | None

    def values(self, given: Any) -> list[Any]:
        """The parameters in the order of $1 … $n."""
        return [given[name] for name in self.names] if self.names is not None else list(given)


@lru_cache(maxsize=2000)
def parsed(query: str) -> Statement | None:
    """A statement as psycopg2 takes it (`%s`, `%(name)s`, `%%`), or None when it is of no use to prepare it.

    A name that occurs twice becomes two parameters, because each takes its type from where it stands.
    """
    if not _PREPARABLE.match(query) or _PATTERN.search(query):
        return None
    names: list[str] = []

    def number(mark: re.Match[str]) -> str:
        if mark[3]:
            return "%"
        names.append(mark[1] or "")
        return f"${len(names)}"

    text = _MARK.sub(number, query)
    if not names or (any(names) and not all(names)):
        return None
    return Statement(text, len(names), tuple(names) if names[0] else None)


def literal(value: Any) -> tuple[str, Any] | None:
    """The SQL type of a value's literal and what to hand to psycopg2, or None for what is not known here."""
    found = _LITERALS.get(type(value))
    if found is None:
        return None
    kind, convert = found
    if convert is None:
        return kind, value
    return convert(value)


def _whole(value: int) -> tuple[str, int]:
    return ("integer" if -(2**31) <= value < 2**31 else "bigint" if -(2**63) <= value < 2**63 else "numeric"), value


def _instant(value: datetime) -> tuple[str, datetime]:
    return ("timestamp" if value.tzinfo is None else "timestamptz"), value


def _array(values: list[Any]) -> tuple[str, str] | None:
    """An array without a type of its own: {1,NULL,"text"}."""
    elements = [_ELEMENTS[type(value)](value) for value in values if type(value) in _ELEMENTS]
    return ("unknown", "{" + ",".join(elements) + "}") if len(elements) == len(values) else None


def _quoted(value: Any) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


_ELEMENTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "NULL", str: _quoted, bool: str, int: str, Decimal: str, UUID: str, date: str,
    datetime: lambda value: _quoted(value.isoformat()),
}  # fmt: skip
_LITERALS: dict[type, tuple[str, Callable[[Any], tuple[str, Any] | None] | None]] = {
    type(None): ("unknown", None), str: ("unknown", None), bool: ("boolean", None), Decimal: ("numeric", None),
    UUID: ("uuid", None), date: ("date", None), timedelta: ("interval", None), bytes: ("bytea", None),
    int: ("", _whole), datetime: ("", _instant), list: ("", _array),
}  # fmt: skip

_Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class _Plan:
    """What a connection knows of a statement: how often it came, and its EXECUTE once it is prepared."""

    seen: int = 0
    name: str = ""
    execute: str = ""
    until: float = 0.0
    refused: bool = False


_LEVELS = {
    None: "",
    extensions.ISOLATION_LEVEL_READ_UNCOMMITTED: " ISOLATION LEVEL READ UNCOMMITTED",
    extensions.ISOLATION_LEVEL_READ_COMMITTED: " ISOLATION LEVEL READ COMMITTED",
    extensions.ISOLATION_LEVEL_REPEATABLE_READ: " ISOLATION LEVEL REPEATABLE READ",
    extensions.ISOLATION_LEVEL_SERIALIZABLE: " ISOLATION LEVEL SERIALIZABLE",
}


class Connection(extensions.connection):
    """A connection whose cursors prepare what they send again and again, and begin transactions without asking.

    `autocommit`, `readonly`, `deferrable` and the level hold from the next BEGIN on.
    """

    autocommit = readonly = deferrable = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        extensions.connection.autocommit.__set__(self, True)
        self.cursor_factory = Cursor
        self.plans: OrderedDict[_Key, _Plan] = OrderedDict()
        self.dropped: list[str] = []
        self.prepared = 0
        self.ends_with_next = False
        self._level: int | None = None

    # -- transactions, as psycopg2 has them ---------------------------------------------------------------------------

    def set_isolation_level(self, level: int | None) -> None:
        """One of psycopg2's ISOLATION_LEVEL constants, None for the server's own."""
        self.autocommit = level == extensions.ISOLATION_LEVEL_AUTOCOMMIT
        self._level = None if self.autocommit else level

    def opening(self) -> str:
        """What must stand before the next statement."""
        if self.autocommit or self.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            return ""
        return (
            f"BEGIN{_LEVELS[self._level]}{' READ ONLY' * bool(self.readonly)}{' DEFERRABLE' * bool(self.deferrable)};"
        )

    def begin(self) -> None:
        """Begin at once, for what is not sent by `Cursor.execute`."""
        if opening := self.opening():
            extensions.cursor(self).execute(opening)

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self.ends_with_next = False
        self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        if self.closed or self.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            extensions.cursor(self).execute(how)

    # -- what is prepared ---------------------------------------------------------------------------------------------

    def plan(self, key: _Key) -> _Plan:
        """What is known of a statement with these types of parameters; the oldest in use makes room for it."""
        plan = self.plans.get(key)
        if plan is not None:
            self.plans.move_to_end(key)
            return plan
        if len(self.plans) >= MOST_PLANS:
            self.drop(self.plans.popitem(last=False)[1])
        plan = self.plans[key] = _Plan()
        return plan

    def drop(self, plan: _Plan) -> None:
        """The server forgets it with the next PREPARE."""
        if plan.name:
            self.dropped.append(plan.name)
            plan.name = ""

    def drop_all(self, server_has_them: bool) -> None:
        """The plans are outdated, or the server has forgotten them already."""
        for plan in self.plans.values():
            self.drop(plan)
        if not server_has_them:
            self.dropped.clear()


class Cursor(extensions.cursor):
    """Sends EXECUTE instead of the statement where that is prepared."""

    connection: Connection

    def execute(self, query: Any, vars: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        ending, self.connection.ends_with_next = ";COMMIT" * self.connection.ends_with_next, False
        statement = parsed(query) if vars and isinstance(query, str) else None
        literals = [literal(value) for value in statement.values(vars)] if statement else []
        if statement is None or len(literals) != statement.count or None in literals:
            return self._send(query, vars, ending)
        types, values = zip(*literals, strict=True)
        plan = self.connection.plan((query, types))
        plan.seen += 1
        if plan.refused or plan.seen <= SEEN_BEFORE or not self._is_prepared(plan, statement, types):
            return self._send(query, vars, ending)
        try:
            self._send(plan.execute, values, ending)
        except NotSupportedError:  # "cached plan must not change result type": a migration changed a column
            self.connection.drop_all(server_has_them=True)
            raise
        except errors.InvalidSqlStatementName:  # a DISCARD ALL between us and the server
            self.connection.drop_all(server_has_them=False)
            raise

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        self.connection.begin()
        super().executemany(query, vars_list)

    def callproc(self, name: Any, *arguments: Any) -> Any:
        self.connection.begin()
        return super().callproc(name, *arguments)

    def copy_expert(self, *arguments: Any, **options: Any) -> None:
        self.connection.begin()
        super().copy_expert(*arguments, **options)

    def _send(self, query: Any, vars: Any = None, ending: str = "") -> None:
        if not isinstance(query, str):  # bytes, or psycopg2.sql: nothing can be put around them
            self.connection.begin()
            super().execute(query, vars)
            return
        super().execute(f"{self.connection.opening()}{query}{ending}", vars)

    def _is_prepared(self, plan: _Plan, statement: Statement, types: tuple[str, ...]) -> bool:
        now = time.monotonic()
        if plan.name and now >= plan.until:
            self.connection.drop(plan)
        if not plan.name:
            plan.refused = not self._prepare(plan, statement, types)
            plan.until = now + LIFETIME
        return not plan.refused

    def _prepare(self, plan: _Plan, statement: Statement, types: tuple[str, ...]) -> bool:
        """One more round trip. A refusal is undone up to the savepoint and remembered."""
        connection = self.connection
        connection.prepared += 1
        name = f"p{connection.prepared}"
        prepare = [*(f"DEALLOCATE {old}" for old in connection.dropped)]
        prepare.append(f"PREPARE {name} ({', '.join(types)}) AS {statement.text}")
        connection.dropped.clear()
        if not connection.autocommit:
            prepare = ["SAVEPOINT prepare", *prepare, "RELEASE SAVEPOINT prepare"]
        try:
            self._send(";".join(prepare))
        except (ProgrammingError, NotSupportedError, DataError):
            if not connection.autocommit:
                self._send("ROLLBACK TO SAVEPOINT prepare; RELEASE SAVEPOINT prepare")
            return False
        plan.name, plan.execute = name, f"EXECUTE {name} ({', '.join(['%s'] * len(types))})"
        return True


def commit_with_next(connection: Any) -> None:
    """The next statement of an SQLAlchemy connection is the last of its transaction: COMMIT goes along with it."""
    driver = connection.connection.dbapi_connection
    if isinstance(driver, Connection):
        driver.ends_with_next = True
