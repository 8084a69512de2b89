"""What a declared resource can do without a handler of its own: get, list, create, update, delete, and its verbs.

A handler that a service writes wins. What the model's methods `created()`, `updated(changes)` and `deleted()` return is
published, where it has them, or else the events that the declaration numbers. A verb is carried out by the model's method
of its name, within the frame of its process where the resource has one.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.listing import ListRequest, Page
from shared.derived.process import resuming
from shared.kernel.ids import new_id
from shared.process.frame import CLASSES, Frame
from shared.schema.contract import Event, Operation
from shared.schema.declaration import Declaration
from shared.schema.rules import obey
from shared.schema.verbs import Verb
from shared.storage.changes import recorded
from shared.storage.database import Aggregate
from shared.storage.declared_models import MODELS
from shared.storage.outbox import publish


def handler(operation: Operation) -> Handler:
    """The handler of an operation of a declared resource. Raises TypeError where no model is of that declaration."""
    declared = operation.declared
    assert declared is not None
    model = MODELS.get(declared)
    if model is None:
        raise TypeError(f"{operation.service}.{operation.name} has no handler, and no model is of {declared.__name__}")
    if isinstance(operation, Verb):
        return _verb(operation, model, declared.declaration)
    kind = next(kind for kind in _MAKERS if getattr(declared, kind, None) is operation)
    return _MAKERS[kind](operation, model, declared.declaration)


def _get(operation: Operation, model: Any, declaration: Declaration) -> Handler:
    def get(service: object, session: Session, record: Aggregate) -> Aggregate:
        return record

    return Handler("query", operation.name, get, operation, arguments={"record": model}, returns=model)


def _list(operation: Operation, model: Any, declaration: Declaration) -> Handler:
    def list_(service: object, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(model), dict(model.filtered()))

    return Handler("query", operation.name, list_, operation, arguments={"listing": ListRequest}, returns=Page)


def _create(operation: Operation, model: Any, declaration: Declaration) -> Handler:
    def create(service: object, session: Session, request: dict[str, Any]) -> Aggregate:
        made: Aggregate = model(**{**declaration.initial(), "id": new_id(), **request})
        session.add(obey(operation, made))
        session.flush()
        _tell(session, made, "created")
        return made

    return Handler("command", operation.name, create, operation, arguments={"request": dict[str, Any]}, returns=model)


def _update(operation: Operation, model: Any, declaration: Declaration) -> Handler:
    def update(service: object, session: Session, record: Aggregate, request: dict[str, Any]) -> Aggregate:
        changes = recorded(declaration.changing, record)
        for name, value in request.items():
            setattr(record, name, value)
        obey(operation, record)
        session.flush()
        _tell(session, record, "updated", changes=changes())
        return record

    arguments = {"record": model, "request": dict[str, Any]}
    return Handler("command", operation.name, update, operation, arguments=arguments, returns=model)


def _delete(operation: Operation, model: Any, declaration: Declaration) -> Handler:
    def delete(service: object, session: Session, record: Aggregate) -> None:
        _tell(session, record, "deleted")
        session.delete(record)

    return Handler("command", operation.name, delete, operation, arguments={"record": model})


_MAKERS: dict[str, Callable[[Operation, Any, Declaration], Handler]] = {
    "create": _create,
    "get": _get,
    "list": _list,
    "update": _update,
    "delete": _delete,
}


def _verb(verb: Verb, model: Any, declaration: Declaration) -> Handler:
    frame = CLASSES.get(declaration.names.path)
    if frame and verb.verb == "resume":
        return resuming(verb, frame, model)
    method = getattr(model, verb.verb, None) or _moving(verb, model, declaration)

    def carry_out(
        service: object, session: Session, record: Aggregate, request: dict[str, Any] | None = None
    ) -> Aggregate:
        changes = recorded(declaration.changing, record) if _is_told(record, "updated") else None
        with frame.on(session, record) if frame else Frame(session) as process:
            process.publish(method(record, **(request or {})) or ())
            session.flush()
            if changes:
                _tell(session, record, "updated", changes=changes())
        return record

    arguments = {"record": model} | ({"request": dict[str, Any]} if verb.request else {})
    made = Handler("command", verb.name, carry_out, verb, arguments=arguments, returns=model)
    made.calls = ((method, model),)
    return made


def _moving(verb: Verb, model: Any, declaration: Declaration) -> Callable[[Aggregate], Iterable[Event]]:
    """What carries out a verb that does no more than lead to a state."""
    state = declaration.state
    if state is None or not verb.to:
        raise TypeError(f"{verb.service}.{verb.name} has no handler, and {model.__name__} no method {verb.verb!r}")

    def move(record: Aggregate) -> Iterable[Event]:
        record.allow(verb.verb)
        setattr(record, state.name, verb.to)
        return ()

    return move


def _is_told(record: Any, what: str) -> bool:
    return hasattr(record, what) or hasattr(record.declared, what)


def _tell(session: Session, record: Any, what: str, **more: Any) -> None:
    """Publish that a record was created, updated or deleted, where the model or the declaration has an event for it."""
    if method := getattr(record, what, None):
        publish(session, method(**more))
    elif event := getattr(record.declared, what, None):
        publish(session, event.of(record, **more))
