"""The life of a subscription over AMQP: asked for → made on the broker → read by another system → removed."""

import threading
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gateway.errors import SubscriptionsNotAvailable, SubscriptionTooWide, TooManySubscriptions
from gateway.events import patterns
from gateway.events.audience import limit_to_the_caller
from gateway.events.management import management, public_address
from gateway.events.models import EventSubscription
from gateway.events.settling import settle_until
from gateway.events.visibility import may_see_entirely, viewer
from shared.contracts import gateway as contract
from shared.flows.entrypoints import ListRequest, Page, background, command, query
from shared.kernel.context import current
from shared.kernel.refusals import Invalid, NotFound
from shared.schema.contract import Event

MOST = 200


class Subscribing:
    """For other systems that read a queue. Handlers write down what is wanted; the background work tells the broker."""

    @command(contract.EventSubscription.create)
    def create_event_subscription(self, session: Session, request: dict[str, Any]) -> EventSubscription:
        if management() is None:
            raise SubscriptionsNotAvailable
        events = _events(request["bindings"])
        _check_all_may_be_seen(session, patterns.known_events() if request["replay"] else events)
        if session.execute(select(func.count()).select_from(EventSubscription)).scalar_one() >= MOST:
            raise TooManySubscriptions(most=MOST)
        keys = sorted({event.type for event in events})
        made = EventSubscription.ask_for(request, current(session).actor, keys)
        if owner_id := current(session).person:
            limit_to_the_caller(session, owner_id, made)
        session.add(made)
        session.flush()
        return _shown(made)

    @query(contract.EventSubscription.list)
    def list_event_subscriptions(self, session: Session, listing: ListRequest) -> Page:
        page = listing.page(session, select(EventSubscription).where(EventSubscription.status != "deleting"))
        for row in page.rows:
            _shown(row)
        return page

    @query(contract.EventSubscription.get)
    def get_event_subscription(self, session: Session, subscription: EventSubscription) -> EventSubscription:
        return _shown(_living(subscription))

    @command(contract.EventSubscription.rotate_password)
    def rotate_password_event_subscription(
        self, session: Session, subscription: EventSubscription
    ) -> EventSubscription:
        _living(subscription).rotate_password()
        return _shown(subscription)

    @command(contract.EventSubscription.delete)
    def delete_event_subscription(self, session: Session, subscription: EventSubscription) -> None:
        _living(subscription).end()

    @background
    def settle_subscriptions(self, engine: Engine, ending: threading.Event) -> None:
        broker = management()
        if broker is None:
            ending.wait()
            return
        settle_until(engine, broker, ending)


def _events(bindings: list[str]) -> list[type[Event]]:
    """What the patterns stand for. Raises Invalid for one that matches nothing."""
    if unknown := patterns.unknown_among(bindings):
        raise Invalid([{"pointer": f"/bindings/{place}", "code": "unknown_event_type"} for place in unknown])
    return [event for pattern in bindings for event in patterns.matching(pattern)]


def _check_all_may_be_seen(session: Session, events: list[type[Event]]) -> None:
    """Nothing between the broker and the subscriber leaves events out, so all that come must be for the creator's eyes."""
    context = current(session)
    who = viewer(context.permissions, context.companies)
    hidden = sorted({event.type for event in events if not may_see_entirely(who, event)})
    if hidden:
        raise SubscriptionTooWide(event_types=hidden)


def _living(subscription: EventSubscription) -> EventSubscription:
    if subscription.status == "deleting":
        raise NotFound(what="event_subscription", id=subscription.id)
    return subscription


def _shown(subscription: EventSubscription) -> EventSubscription:
    subscription.address = public_address()
    return subscription
