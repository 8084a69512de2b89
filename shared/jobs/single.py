"""One row by the handlers that a client would call: in a savepoint, audited, with the same rules and refusals."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from shared.api import reaching
from shared.api.handlers import Handler
from shared.api.operations import Call, Reply
from shared.kernel.context import current
from shared.kernel.refusals import Invalid, Refusal
from shared.storage import auditing
from shared.storage.savepoint import savepoint
from shared.storage.violations import refusal_of
from shared.wire.dumping import dumper


def attempt(service: object, session: Session, handler: Handler, kwargs: dict[str, Any], if_match: Any = None) -> Reply:
    """Carry out an operation of the same service. Raises Refusal, having left nothing behind."""
    assert handler.operation is not None
    context = replace(current(session), if_match=if_match, idempotency_key=None)
    try:
        with savepoint(session):
            call = Call(service, handler, handler.operation, kwargs, context)
            reply = call.effect(session)
            if not reply.replayed:
                auditing.note_action(session, call.action, reply.id)
            return reply
    except IntegrityError as error:
        refusal = refusal_of(error)
        raise (refusal if isinstance(refusal, Refusal) else Invalid.at("", "invalid")) from error
    except DataError as error:
        raise Invalid.at("", "invalid") from error


def version_of(reply: Reply) -> int:
    return int(reply.etag or 1)


def shown(session: Session, handler: Handler, id_: UUID) -> dict[str, Any] | None:
    """A resource as its own view shows it now, or None when it is gone or out of reach."""
    assert handler.operation is not None and handler.operation.response is not None
    cls = handler.aggregate_class
    found = session.get(cls, id_) if cls else None
    if found is not None and not reaching.within(found, current(session), handler.operation.permission):
        found = None
    return None if found is None else dumper(handler.operation.response)(found)


def told(refusal: Refusal) -> list[dict[str, Any]]:
    """A refusal as errors of a row."""
    if isinstance(refusal, Invalid) and refusal.errors:
        return refusal.explained()
    return [{"pointer": "", "code": refusal.code, "en": refusal.text("en"), "fr": refusal.text("fr")}]
