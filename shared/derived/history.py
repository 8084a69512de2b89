"""Reading the history of a resource from the audit rows of its service."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

import marshmallow as ma
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.api.gone import Audit, deletion, reached
from shared.api.handlers import Handler
from shared.api.listing import ListRequest, Page
from shared.api.operations import Call
from shared.contracts import AUDIT_PERMISSION
from shared.kernel.context import current
from shared.kernel.permissions import ALL
from shared.kernel.refusals import NotFound
from shared.schema.contract import Operation
from shared.schema.declared import named
from shared.schema.texts import translated
from shared.storage.auditing import WHOLE
from shared.storage.database import Aggregate
from shared.wire.fields import Number, Schema, plain

AUDITORS = AUDIT_PERMISSION
"""Who may read the history of what no longer exists, besides the one who deleted it; as far as they would reach it today."""


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of a history, from the one that reads the resource."""
    resource = operation.collection
    assert resource is not None and resource.get is not None and resource.get.response is not None
    cls = handlers[resource.get.name].aggregate_class
    if cls is None:
        raise TypeError(f"{resource.get.name} takes no aggregate, so it has no history")
    view = resource.get.response

    def history(service: object, session: Session, call: Call, listing: ListRequest) -> Page:
        id_ = _visible(session, call, cls)
        listing.permission = ""  # what is told of is within reach, or was the caller's own
        page = listing.page(session, select(Audit).where(Audit.object_id == id_))
        say = partial(translated, operation.service, language=current(session).language)
        entries = [_entry(row, f"{cls.__name__}/{id_}", view, say) for row in page.rows]
        return Page(entries, page.next_cursor, page.total)

    return Handler("query", operation.name, history, operation, arguments={"call": None, "listing": None})


def _visible(session: Session, call: Call, cls: type[Aggregate]) -> UUID:
    """The id of the resource, if the caller may know of it. Raises NotFound."""
    try:
        return call.aggregate(session, cls, lock=False).id
    except NotFound:
        id_ = _uuid(call.path["id"])
        if id_ is None or not _may_read_of(session, call, cls, id_):
            raise
        return id_


def _may_read_of(session: Session, call: Call, cls: type[Aggregate], id_: UUID) -> bool:
    """Whether this was removed by the caller, or before an auditor, who would both still reach it."""
    gone, context = deletion(session, cls, id_), current(session)
    if gone is None or not reached(session, cls, gone, call.operation.permission):
        return False
    return gone.actor == context.actor or context.reach(AUDITORS) == ALL


def _uuid(raw: Any) -> UUID | None:
    try:
        return UUID(str(raw))
    except ValueError:
        return None


def _entry(row: Audit, key: str, view: type[Schema], say: Callable[[str], str]) -> dict[str, Any]:
    changes = row.changes.get(key, {}) if isinstance(row.changes, dict) else {}
    shown = _shown(view)
    told = [_change(say, *shown[name], *values) for name, values in changes.items() if name in shown]
    return {
        "id": row.id,
        "at": row.at,
        "actor": row.actor,
        "api_key_id": row.api_key_id,
        "action": row.action.partition(".")[2].partition(":")[0] or row.action,
        "effect": _effect(changes, told),
        "request_id": row.request_id,
        "changes": told,
    }


def _change(say: Callable[[str], str], name: str, field: ma.fields.Field[Any], old: Any, new: Any) -> dict[str, Any]:
    label = say(field.metadata.get("title") or named(name.removesuffix("_id")))
    return {"field": name, "label": label, "old": _as_shown(field, old), "new": _as_shown(field, new)}


def _as_shown(field: ma.fields.Field[Any], value: Any) -> Any:
    """Numbers have the decimals that the resource itself shows; a row of the audit has no more than they need."""
    return (
        plain(Decimal(value), field.least_decimals) if isinstance(field, Number) and isinstance(value, str) else value
    )


def _effect(changes: dict[str, Any], told: list[Any]) -> str:
    match changes.get(WHOLE):
        case [None, made]:
            return str(made)
        case [gone, None]:
            return str(gone)
    return "changed" if told else "none"


@cache
def _shown(view: type[Schema]) -> dict[str, tuple[str, ma.fields.Field[Any]]]:
    """Attribute → public name and field: what the resource itself does not show, its history does not tell either."""
    return {field.attribute or name: (name, field) for name, field in view().dump_fields.items()}
