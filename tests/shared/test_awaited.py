"""D1: a service knows which events it has applied, asks its inbox for what another replica may have, and waits no longer."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from crm_sales.service import CrmSales
from shared.api import own_writes
from shared.contracts.crm_contacts import ContactCreated
from shared.kernel import clock
from shared.kernel.context import Context
from shared.kernel.ids import new_event_id, new_id
from shared.messaging.applied import Applied
from shared.messaging.awaited import Arrivals
from tests.harness import Harness

KIND = ContactCreated.full_type


@pytest.fixture
def sales(service: Callable[[type], Harness]) -> Harness:
    return service(CrmSales)


def arrivals(sales: Harness, applied: Applied | None = None) -> Arrivals:
    """What a process knows: this one, or another replica, which has applied nothing itself."""
    return Arrivals(sales.consumers, sales.engine, applied or Applied())


def deliver(sales: Harness, event_id: UUID) -> None:
    state = {"kind": "organization", "name": "Atelier", "status": "active", "roles": ["customer"], "language": "fr"}
    unknown: dict[str, Any] = dict.fromkeys(("email", "siren", "vat_number", "country"))
    made = ContactCreated(contact_id=new_id(), **state, **unknown)
    assert sales.deliver(made, event_id=event_id) == "done"


def waited(knows: Arrivals, event_ids: Any, seconds: float, context: Context | None = None) -> tuple[Any, float]:
    begun = time.monotonic()
    return knows.missing(event_ids, seconds, context or Context()), time.monotonic() - begun


def test_what_was_applied_is_not_waited_for(sales: Harness) -> None:
    event_id, foreign = new_event_id(KIND), new_event_id("liaison.gateway.webhook.tested.v1")
    deliver(sales, event_id)
    own, other = arrivals(sales, sales.inbox.applied), arrivals(sales)
    assert own.lacking([event_id, foreign]) == () and other.lacking([event_id, foreign]) == (event_id,)
    assert waited(other, [event_id, foreign], 5)[1] < 1
    assert other.lacking([event_id]) == (), "what the inbox told is not asked for again"


def test_it_is_waited_for_together_and_not_too_long(sales: Harness) -> None:
    missing = [new_event_id(KIND) for _ in range(20)]
    found, seconds = waited(arrivals(sales), missing, 0.3)
    assert found == tuple(missing) and 0.3 <= seconds < 1
    soon = Context(deadline=clock.now() + timedelta(seconds=0.5))
    assert waited(arrivals(sales), missing, 10, soon)[1] < 1, "there must be time left for the answer"


@pytest.mark.parametrize("here", [True, False])
def test_what_arrives_ends_the_waiting(sales: Harness, here: bool) -> None:
    events = [new_event_id(KIND) for _ in range(3)]
    arriving = threading.Timer(0.2, lambda: [deliver(sales, one) for one in events])
    arriving.start()
    found, seconds = waited(arrivals(sales, sales.inbox.applied if here else None), events, 10)
    arriving.join()
    assert found == () and 0.2 <= seconds < 3


def test_a_command_is_not_decided_without_what_is_missing() -> None:
    context = Context(missing=(new_event_id(KIND),))
    own_writes.check("query", context)
    own_writes.check("command", Context())
    with pytest.raises(own_writes.NotCaughtUp) as refused:
        own_writes.check("command", context)
    assert refused.value.code == "not_yet" and refused.value.details["event_ids"] == [str(context.missing[0])]
