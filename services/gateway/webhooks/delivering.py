"""What is sent to webhooks: events by themselves, tests and redeliveries when a person asks; and the log of it all."""

import threading
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from gateway.webhooks import feed
from gateway.webhooks.errors import EventForgotten, TooManyWaiting
from gateway.webhooks.models import Delivery, Webhook
from gateway.webhooks.settings import settings
from gateway.webhooks.worker import Worker
from shared.contracts import gateway as contract
from shared.flows.entrypoints import ListRequest, Page, background, command, every, query
from shared.kernel import clock, ids
from shared.kernel.context import current
from shared.kernel.refusals import NotFound
from shared.schema.envelope import write_head

MOST_WAITING = 20


class Deliveries:
    """event store → webhook, in order; beside it, out of order, what a person asks for."""

    @background
    def send_to_webhooks(self, engine: Engine, ending: threading.Event) -> None:
        Worker(engine, settings(), ending).run()

    @command(contract.Webhook.test)
    def test_webhook(self, session: Session, webhook: Webhook) -> Delivery:
        context = current(session)
        event = contract.WebhookTested(webhook_id=webhook.id, asked_by=context.actor)
        event_id = ids.new_event_id(event.full_type)
        envelope = write_head(event, event_id, clock.now(), context) + "}"
        return _wait(session, webhook, "test", event_id, event.type, envelope)

    @query(contract.list_webhook_deliveries)
    def list_webhook_deliveries(self, session: Session, webhook: Webhook, listing: ListRequest) -> Page:
        listing.permission = ""  # deliveries have no owner of their own; a user who reaches the webhook reaches its log
        return listing.page(session, select(Delivery).where(Delivery.webhook_id == webhook.id))

    @command(contract.redeliver_webhook_delivery)
    def redeliver_webhook_delivery(self, session: Session, webhook: Webhook, delivery_id: str) -> Delivery:
        earlier = _delivery(session, webhook, delivery_id)
        if earlier.envelope is None and feed.find(session, earlier.event_id) is None:
            raise EventForgotten(event_id=earlier.event_id)
        return _wait(session, webhook, "redelivery", earlier.event_id, earlier.event_type, earlier.envelope)

    @every(hours=1)
    def forget_old_deliveries(self, session: Session) -> None:
        session.execute(_FORGET, {"before": clock.now() - timedelta(days=settings().log_days)})


_FORGET = text(
    "DELETE FROM webhook_delivery WHERE id = ANY(ARRAY(SELECT id FROM webhook_delivery WHERE at < :before LIMIT 50000))"
)


def _delivery(session: Session, webhook: Webhook, delivery_id: str) -> Delivery:
    found = session.get(Delivery, UUID(delivery_id))
    if found is None or found.webhook_id != webhook.id:
        raise NotFound(what="webhook_delivery", id=delivery_id)
    return found


def _wait(
    session: Session, webhook: Webhook, kind: str, event_id: UUID, event_type: str, envelope: str | None
) -> Delivery:
    """Put it where the worker finds it: nothing is sent from within a transaction. Raises TooManyWaiting."""
    waiting = select(func.count()).where(Delivery.webhook_id == webhook.id, Delivery.status == "pending")
    if session.execute(waiting).scalar_one() >= MOST_WAITING:
        raise TooManyWaiting(most=MOST_WAITING)
    asked = Delivery(webhook_id=webhook.id, kind=kind, event_id=event_id, event_type=event_type, envelope=envelope)
    session.add(asked)
    return asked
