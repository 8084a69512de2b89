"""One statement for what a frame leaves behind: the steps that changed, and the facts of the trace."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.kernel import clock
from shared.process.trace import Fact
from shared.schema.steps import Steps, StepStatus

_STEP = [field.name for field in dataclasses.fields(StepStatus)]
_FACT = [field.name for field in dataclasses.fields(Fact)]


def write(session: Session, declared: Steps, id_: UUID, steps: Sequence[StepStatus], facts: Sequence[Fact]) -> None:
    """Steps are as they are now; a fact that is known already stays as it is."""
    now = clock.now()
    values: dict[str, Any] = {"of": id_, "now": now}
    values["deadlines"] = [declared[step.name].deadline(step, now) for step in steps]
    values |= {f"step_{name}": [getattr(step, name) for step in steps] for name in _STEP}
    values |= {f"fact_{name}": [getattr(fact, name) for fact in facts] for name in _FACT}
    session.execute(_statement(declared.one), values)


@cache
def _statement(one: str) -> TextClause:
    return text(
        f"WITH steps AS (INSERT INTO {one}_step ({one}_id, name, status, at, deadline, waits_for, reason)"
        " SELECT :of, name, status, :now, deadline, waits_for, reason FROM unnest(CAST(:step_name AS text[]),"
        " CAST(:step_status AS text[]), CAST(:deadlines AS timestamptz[]), CAST(:step_waits_for AS text[]),"
        " CAST(:step_reason AS text[])) AS s (name, status, deadline, waits_for, reason)"
        f" ON CONFLICT ({one}_id, name) DO UPDATE SET status = excluded.status, at = excluded.at,"
        " deadline = excluded.deadline, waits_for = excluded.waits_for, reason = excluded.reason)"
        f" INSERT INTO {one}_trace ({one}_id, event_id, event_type, type, id, number, at, caused_by)"
        " SELECT :of, * FROM unnest(CAST(:fact_event_id AS uuid[]), CAST(:fact_event_type AS text[]),"
        " CAST(:fact_type AS text[]), CAST(:fact_id AS uuid[]), CAST(:fact_number AS text[]),"
        " CAST(:fact_at AS timestamptz[]), CAST(:fact_caused_by AS text[])) ON CONFLICT DO NOTHING"
    )
