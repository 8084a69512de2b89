"""`present()` in a statement: the instant of the clock (shared/kernel/clock.py), as the database's own time has it.

All replicas share the database's time, so what decides in SQL is compared with that, and with as much more as the clock is
ahead of the machine. Raw statements of a driver write `now() + %s` and give `clock.ahead()`.
"""

from sqlalchemy import Interval, TextClause, bindparam

from shared.kernel import clock

AHEAD = "clock_ahead"


class Timed(TextClause):
    """A text with `present()` in it; its parameter is filled in each time that it is executed."""

    inherit_cache = True


def timed(statement: str) -> Timed:
    """A text that may say `present()`."""
    found = Timed(statement.replace("present()", f"(now() + :{AHEAD})"))
    return found.bindparams(bindparam(AHEAD, callable_=clock.ahead, type_=Interval))
