"""The database driver lets other work go on while the database is slow."""

import json

from tests.harness import Harness
from tests.shared.conftest import python

_OVERLAP = """
import eventlet; eventlet.monkey_patch()
import json, sys, time
from sqlalchemy import text
from shared.storage.database import new_engine

engine = new_engine(sys.argv[1], 8)
def nap(_):
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(1)"))
gap, ticks = 0.0, 0
def watch():
    global gap, ticks
    last = time.monotonic()
    while True:
        time.sleep(0.01)
        gap, last, ticks = max(gap, time.monotonic() - last), time.monotonic(), ticks + 1
nap(0)
eventlet.spawn(watch)
started = time.monotonic()
list(eventlet.GreenPool(8).imap(nap, range(8)))
print(json.dumps({"seconds": time.monotonic() - started, "gap": gap, "ticks": ticks}))
"""


def test_slow_queries_overlap(toy: Harness, toy_url: str) -> None:
    """Eight queries of one second take about one second, and the event loop keeps turning meanwhile."""
    measured = json.loads(python(_OVERLAP, toy_url))
    assert measured["seconds"] < 3, measured
    assert measured["ticks"] > 20, measured


def test_nothing_but_psycopg2_is_the_driver(toy: Harness) -> None:
    """psycopg 3 would block the loop: its waiting is done in C."""
    assert toy.engine.dialect.driver == "psycopg2"


def test_a_lock_is_not_waited_for_for_ever(toy: Harness) -> None:
    """A stuck lock becomes an error, and with it a retry or a 503, never a standstill."""
    from sqlalchemy import text

    with toy.session() as session:
        limits = session.execute(text("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"))
        assert limits.one() == ("5s", "15s")
