"""Event lag: from the commit that made an event true to the commit of its effect in each consumer.

Both moments are PostgreSQL's own commit timestamps (`track_commit_timestamp`), read at rows that are written once in
these transactions: the inbox row of the effect, and the audit row (of a command) or the inbox row (of a handler) that
stands beside the event. Outbox rows cannot tell: the relay rewrites them.
"""

from collections.abc import Mapping
from datetime import datetime

import psycopg2

_CAUSES = """
WITH told AS (
    SELECT event_id, envelope::jsonb ->> 'causationid' AS cause FROM outbox WHERE created_at BETWEEN %(since)s AND %(until)s
), causes AS (
    SELECT DISTINCT ON (cause) cause, born FROM (
        SELECT request_id AS cause, xmin AS born, 1 AS place FROM audit WHERE at BETWEEN %(since)s AND %(until)s
        UNION ALL
        SELECT event_id::text, xmin, 2 FROM inbox WHERE received_at BETWEEN %(since)s AND %(until)s
    ) AS written ORDER BY cause, place
)
SELECT event_id::text, extract(epoch FROM pg_xact_commit_timestamp(born))::float FROM told JOIN causes USING (cause)
"""
_EFFECTS = """
SELECT event_id::text, consumer, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float FROM inbox
WHERE received_at BETWEEN %(since)s AND %(until)s AND state = 'done'
"""


def clock(url: str) -> datetime:
    """The database's time."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        ((now,),) = cursor.fetchall()
        return now  # type: ignore[no-any-return]


def lags(urls: Mapping[str, str], since: datetime, until: datetime) -> dict[str, list[float]]:
    """Seconds of lag of every effect in a span of time, by consuming handler."""
    span = {"since": since, "until": until}
    committed: dict[str, float] = {}
    effects: list[tuple[str, str, float]] = []
    for service, url in urls.items():
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(_CAUSES, span)
            committed |= dict(cursor.fetchall())
            cursor.execute(_EFFECTS, span)
            effects += [(event_id, f"{service}.{consumer}", at) for event_id, consumer, at in cursor]
    found: dict[str, list[float]] = {}
    for event_id, consumer, at in effects:
        if event_id in committed:
            found.setdefault(consumer, []).append(at - committed[event_id])
    return found
