"""Telling services that begin to keep copies what has long been true."""

from collections.abc import Iterable
from typing import Any

from shared import contracts
from shared.kernel import clock
from shared.kernel.context import Context
from shared.kernel.ids import new_event_id
from shared.schema.contract import Event
from shared.schema.envelope import write_head
from shared.storage import outbox

_CAUSE = "program:migration"
_MIGRATION = Context(actor="migration", request_id=_CAUSE, correlation_id=_CAUSE, causation_id=_CAUSE)


def announce(op: Any, events: Iterable[Event]) -> None:
    """Publish facts from a migration, which is their cause as a timer is (I6)."""
    contracts.events()
    pending = []
    for event in events:
        event_id = new_event_id(event.full_type)
        pending.append(outbox.Pending(event_id, event, write_head(event, event_id, clock.now(), _MIGRATION)))
    if pending:
        part, values = outbox.statement_part(pending)
        op.get_bind().exec_driver_sql(f"WITH {part} SELECT 1", tuple(values))
