"""What a command changed: collected while it runs, written as audit rows with the transaction, read as history.

A row belongs to one object. Its `changes` are {"<Class>/<id>": {field: [old, new]}}; the field "*" says that the object
as a whole was made ([null, "created"]) or removed (["deleted", null]), and then "*reach" keeps who reached it; a list of
parts counts what happened to them.
The command's own object has the row with its plain action; other aggregates that it changed have rows of their own,
whose action ends in ":<Class>".
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.orm import RelationshipDirection, Session

from shared.kernel import clock
from shared.kernel.context import Context
from shared.kernel.ids import new_id
from shared.schema.envelope import dumps
from shared.storage.database import Aggregate
from shared.wire.fields import plain

WHOLE = "*"
REACH = "*reach"
"""Members of what an audit row tells of an object: that it was made or removed as a whole, and who reached what went."""


_Changes = dict[str, dict[str, list[Any]]]
_UNTOLD = ("version", "updated_at", "password_hash")


def begin(session: Session) -> None:
    """From now on changes are collected: commands are audited, what events cause is not."""
    session.info["audited"] = True


def forget(session: Session) -> None:
    """Nothing was done after all: the command was only answered again."""
    session.info.pop("audited", None)


def note_action(session: Session, action: str, object_id: Any) -> None:
    """What was collected so far was done by this action to this object."""
    changes: _Changes = session.info.get("changes", {})
    session.info["changes"] = {}
    own = {key: fields for key, fields in changes.items() if key.endswith(f"/{object_id}")}
    rows, now = session.info.setdefault("audits", []), clock.now()
    rows.append((now, action, str(object_id) if object_id else None, own))
    for key, fields in changes.items():
        if key not in own:
            cls, _, id_ = key.partition("/")
            rows.append((now, f"{action}:{cls}", id_, {key: fields}))


def statement_part(session: Session) -> tuple[str, list[Any]]:
    """The CTE that writes all rows, with its parameters."""
    context: Context = session.info["context"]
    parameters: list[Any] = []
    key = str(context.api_key) if context.api_key else None
    for at, action, object_id, changes in session.info["audits"]:
        parameters += [str(new_id()), at, context.actor, action, object_id, context.request_id, dumps(changes), key]
    rows = ", ".join([_ROW] * len(session.info["audits"]))
    return f"audited AS (INSERT INTO audit {_COLUMNS} VALUES {rows})", parameters


_COLUMNS = "(id, at, actor, action, object_id, request_id, changes, api_key_id)"
_ROW = "(%s::uuid, %s, %s, %s, %s::uuid, %s, %s::jsonb, %s::uuid)"


@event.listens_for(Session, "before_flush")
def _note_changes(session: Session, *_: Any) -> None:
    """Old → new of every changed field of aggregates, and what becomes of their parts."""
    if "audited" not in session.info:
        return
    changes: _Changes = session.info.setdefault("changes", {})
    dirty = list(session.dirty)
    parts = {id(changed) for changed in (*dirty, *session.deleted) if not isinstance(changed, Aggregate)}
    for changed in dirty:
        if isinstance(changed, Aggregate):
            _merge(changes, changed, _columns(changed))
    # A parent whose list changed is dirty itself; one of whose parts changed in place has to be looked for.
    for parent in list(session.identity_map.values()) if parts else dirty:
        if isinstance(parent, Aggregate):
            _merge(changes, parent, _parts(parent, parts))
    for gone in session.deleted:
        if isinstance(gone, Aggregate):
            _merge(changes, gone, {WHOLE: ["deleted", None], REACH: [reach_of(gone), None]})


@event.listens_for(Session, "after_flush")
def _note_made(session: Session, *_: Any) -> None:
    """New aggregates, now that they have their ids."""
    if "audited" in session.info:
        for made in session.new:
            if isinstance(made, Aggregate):
                _merge(session.info["changes"], made, {WHOLE: [None, "created"]})


def _merge(changes: _Changes, changed: Aggregate, fields: dict[str, list[Any]]) -> None:
    """Several flushes make one change: the first old value, the last new one."""
    if fields:
        known = changes.setdefault(f"{changed.__class__.__name__}/{changed.id}", {})
        for name, (old, new) in fields.items():
            known[name] = [known[name][0] if name in known else old, new]


def _columns(changed: Aggregate) -> dict[str, list[Any]]:
    state = inspect(changed)
    return {
        a.key: [_shown(h.deleted[0]), _shown(h.added[0])]
        for a in state.mapper.column_attrs
        if a.key not in _UNTOLD and (h := state.attrs[a.key].history).added and h.deleted
    }


def _parts(known: Aggregate, dirty: set[int]) -> dict[str, list[Any]]:
    """{relationship: [null, {added, changed, removed}]} of the lists of parts that are loaded."""
    state, found = inspect(known), {}
    for relation in state.mapper.relationships:
        if relation.uselist and relation.direction is RelationshipDirection.ONETOMANY and relation.key in state.dict:
            history = state.attrs[relation.key].history
            counts = {
                "added": len(history.added or ()),
                "changed": sum(id(part) in dirty for part in history.unchanged or ()),
                "removed": len(history.deleted or ()),
            }
            if any(counts.values()):
                found[relation.key] = [None, {name: n for name, n in counts.items() if n}]
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, (str, int, bool, dict, type(None))):
        return value
    return plain(value) if isinstance(value, Decimal) else str(value)


def reach_of(record: Aggregate) -> dict[str, Any]:
    """What decides who reaches a record."""
    owner, companies = getattr(record, "owner_id", None), companies_of(record)
    return {
        "owner": None if owner is None else str(owner),
        "companies": None if companies is None else [str(one) for one in companies],
    }


def companies_of(record: Aggregate) -> list[UUID] | None:
    """The companies in which a record is seen; None where a kind belongs to none of them, or a record to all."""
    if hasattr(record, "seen_in"):
        several: list[UUID] | None = record.seen_from()  # type: ignore[attr-defined]
        return several
    key = getattr(record, "company_key", "company_id")
    if not hasattr(record, key):
        return None
    return [one for one in (getattr(record, key),) if one is not None]
