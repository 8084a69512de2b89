"""A step that waits longer than its deadline says so: `reason: overdue`, until its answer comes or it is resumed."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel import clock
from shared.process.tables import WAITING
from shared.schema.steps import Steps

PERIOD = 30.0
"""Seconds between two looks."""


def timer(processes: Iterable[Steps]) -> Handler:
    """What marks the late steps of the processes of a service."""
    statements = [
        text(f"UPDATE {process.one}_step SET reason = 'overdue' WHERE {WAITING} AND deadline < :now")
        for process in processes
    ]

    def mark_overdue(service: object, session: Session) -> None:
        for statement in statements:
            session.execute(statement, {"now": clock.now()})

    return Handler("timer", "mark_overdue", mark_overdue, period=PERIOD)
