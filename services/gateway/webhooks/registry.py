"""The life of a webhook: registered → changed, stopped, resumed → deleted. Its secret is shown once, and rotated."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.events import patterns
from gateway.models import User
from gateway.webhooks import feed
from gateway.webhooks.addresses import AddressRefused
from gateway.webhooks.audience import aim
from gateway.webhooks.errors import OnlyUsersOwnWebhooks, TooManyWebhooks
from gateway.webhooks.models import Progress, Secret, Webhook
from gateway.webhooks.sealing import vault
from gateway.webhooks.settings import settings
from gateway.webhooks.signing import new_secret
from shared.contracts import gateway as contract
from shared.flows.entrypoints import command
from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.refusals import Invalid
from shared.storage.changes import recorded
from shared.storage.outbox import publish

MOST_PER_USER = 50
_MOST_SECRETS = 4


class Webhooks:
    """A webhook is its owner's: who holds `gateway.webhooks:read@own` sees these, who holds it without a reach sees all."""

    @command(contract.Webhook.create)
    def create_webhook(self, session: Session, request: dict[str, Any]) -> Webhook:
        _check(request)
        webhook = Webhook.register(request, _owner(session))
        aim(session, webhook)
        session.add(webhook)
        session.flush()
        session.add(Progress(webhook_id=webhook.id, position=feed.head(session)))
        _give_secret(session, webhook)
        publish(session, webhook.created())
        return webhook

    @command(contract.Webhook.update)
    def update_webhook(self, session: Session, webhook: Webhook, request: dict[str, Any]) -> Webhook:
        _check(request)
        changes = recorded(contract.ChangedWebhook, webhook)
        resumes = webhook.change(request)
        if resumes or {"url", "event_types"} & set(request):
            aim(session, webhook)
        if resumes:
            progress = session.get_one(Progress, webhook.id, with_for_update=True)
            progress.resume()
        publish(session, webhook.updated(changes()))
        return webhook

    @command(contract.Webhook.rotate_secret)
    def rotate_secret_webhook(self, session: Session, webhook: Webhook) -> Webhook:
        _give_secret(session, webhook)
        webhook.touch()
        publish(session, webhook.updated({}))
        return webhook


def _owner(session: Session) -> UUID:
    """The user who calls, locked so that two webhooks at once are counted. Raises OnlyUsersOwnWebhooks or TooManyWebhooks."""
    owner = session.get(User, _id(current(session).actor), with_for_update={"key_share": True})
    if owner is None:
        raise OnlyUsersOwnWebhooks
    if session.execute(select(func.count()).where(Webhook.owner_id == owner.id)).scalar_one() >= MOST_PER_USER:
        raise TooManyWebhooks(most=MOST_PER_USER)
    return owner.id


def _id(actor: str) -> UUID:
    """Programs that are no users have names. Raises OnlyUsersOwnWebhooks."""
    try:
        return UUID(actor)
    except ValueError:
        raise OnlyUsersOwnWebhooks from None


def _give_secret(session: Session, webhook: Webhook) -> None:
    """A new secret; the old ones expire, and of many only the newest remain."""
    others = session.scalars(
        select(Secret).where(Secret.webhook_id == webhook.id).order_by(Secret.created_at.desc(), Secret.id.desc())
    ).all()
    for place, other in enumerate(others, start=1):
        if place >= _MOST_SECRETS or (other.expires_at and other.expires_at <= clock.now()):
            session.delete(other)
        elif other.expires_at is None:
            other.expire()
    webhook.secret = new_secret()
    session.add(Secret(webhook_id=webhook.id, sealed=vault().seal(webhook.secret, webhook.id)))


def _check(request: dict[str, Any]) -> None:
    """Raises Invalid. A name is looked up here, before any row is changed, and again at each delivery."""
    if "event_types" in request:
        _check_patterns(request["event_types"])
    if "url" in request:
        try:
            settings().guard.check(request["url"])
        except AddressRefused as refused:
            raise Invalid.at("/url", refused.code) from None


def _check_patterns(wanted: list[str]) -> None:
    unknown = patterns.unknown_among(wanted)
    if unknown:
        raise Invalid([{"pointer": f"/event_types/{place}", "code": "unknown_event_type"} for place in unknown])
