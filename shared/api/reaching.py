"""Record rules: which records a caller may know of. What is out of reach does not exist for them: 404, never counted.

Three rules, all in the machinery, so that no handler can forget them:

- Companies. Every ORM statement of a caller who may not see all companies is restricted to theirs, whatever the
  handler asks for: also what a body refers to. Raw SQL is not; a handler that uses it restricts it itself.
- Owners. `sales.orders:read@own` reaches records whose `owner_id` is the caller, `@team` those of the caller's team.
  Records without an owner, and whole kinds that have none, are within reach of `all` only.
- What belongs to several companies or to the users who work in them (users, their keys and webhooks) says by `seen_in(companies)`
  which of it those are shown who may not see all companies, and by `seen_from()` of an object where it is seen. Lists,
  single objects and histories are cut by it; what the service reads for itself is not: who may do what is decided by all.
"""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, event, exists, false, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session, object_session, with_loader_criteria

from shared.api.caller import NotAllowed
from shared.api.handlers import Handler
from shared.kernel.context import Context
from shared.kernel.permissions import ALL, OWN
from shared.kernel.refusals import Invalid
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation
from shared.storage.database import Aggregate


def owners(context: Context, permission: str) -> frozenset[UUID] | None:
    """The users whose records are within reach; None for everybody's, ownerless ones among them."""
    reach = context.reach(permission) if permission not in ("", PUBLIC, SIGNED_IN) else ALL
    if reach == ALL:
        return None
    own = _user(context)
    return own if reach == OWN else own | frozenset(context.team)


def readable(context: Context, permission: str) -> frozenset[UUID] | None:
    """The owners whose records a body may name, because the caller may read them; nobody's without the permission."""
    return frozenset() if context.reach(permission) is None else owners(context, permission)


def conditions(entity: Any, context: Context, permission: str) -> list[ColumnElement[bool]]:
    """What to add to a statement that selects an entity."""
    shown, known = _shown(entity, context), owners(context, permission)
    if known is None:
        return shown
    if not known or not hasattr(entity, "owner_id"):
        return [false()]
    return [*shown, entity.owner_id.in_(_written(entity, known))]


def within(record: Aggregate, context: Context, permission: str) -> bool:
    """Whether a loaded record is within reach."""
    known = owners(context, permission)
    owned = known is None or getattr(record, "owner_id", None) in _written(type(record), known)
    return owned and is_shown(record, context)


def is_shown(record: Aggregate, context: Context) -> bool:
    """Whether a loaded record is one of those that `seen_in` shows the caller."""
    cls, session = type(record), object_session(record)
    if session is None or not (shown := _shown(cls, context)):
        return True
    return session.scalar(select(exists().where(cls.id == record.id, *shown))) is True


def _shown(entity: Any, context: Context) -> list[ColumnElement[bool]]:
    seen_in = getattr(entity, "seen_in", None)
    return [] if seen_in is None or context.companies is None else [seen_in(context.companies)]


def _written(entity: Any, owners: frozenset[UUID]) -> frozenset[Any]:
    """Owners as this kind writes them: where programs that are no users may be owners, a name stands for the id."""
    kind = inspect(entity).columns["owner_id"].type.python_type if hasattr(entity, "owner_id") else UUID
    return frozenset(map(str, owners)) if kind is str else owners


def check_operation(handler: Handler, operation: Operation, context: Context) -> None:
    """Refuse what cannot be cut to a reach: reports, checks, and the making of what has no owner. Raises NotAllowed."""
    if (
        owners(context, operation.permission) is None
        or handler.aggregate_class
        or {"listing", "call"} & set(handler.arguments)
    ):
        return
    if handler.creates is None or not hasattr(handler.creates, "owner_id"):
        raise NotAllowed(permission=operation.permission)


def check_request(handler: Handler, operation: Operation, request: dict[str, Any], context: Context) -> None:
    """A body may name companies and owners within reach only; who reaches less than all owns what they make.

    Raises Invalid, in the same words as for what does not exist.
    """
    named = request.get("company_id")
    if named is not None and context.companies is not None and named not in context.companies:
        raise Invalid.at("/company_id", "not_found")
    known = owners(context, operation.permission)
    if known is None:
        return
    if operation.method == "POST" and hasattr(handler.creates, "owner_id"):
        request.setdefault("owner_id", next(iter(_user(context)), None))
    if "owner_id" in request and request["owner_id"] not in known:
        raise Invalid.at("/owner_id", "not_found")


def _user(context: Context) -> frozenset[UUID]:
    """The caller as an owner; programs that are not users own nothing."""
    try:
        return frozenset((UUID(context.actor),))
    except ValueError:
        return frozenset()


@event.listens_for(Session, "do_orm_execute")
def _only_own_companies(state: ORMExecuteState) -> None:
    context: Context | None = state.session.info.get("context")
    if context is None or context.companies is None or not state.is_select or state.is_column_load:
        return
    mapper = state.bind_mapper
    if mapper is not None:
        options = (with_loader_criteria(cls, column.in_(context.companies)) for cls, column in _of_companies(mapper))
        state.statement = state.statement.options(*options)


@cache
def _of_companies(mapper: Any) -> list[tuple[type, Any]]:
    """The classes beside a mapper's that belong to companies, with the column that says to which."""
    classes = [known.class_ for known in mapper.registry.mappers]
    columns = [(cls, getattr(cls, getattr(cls, "company_key", "company_id"), None)) for cls in classes]
    return [(cls, column) for cls, column in columns if column is not None]


@event.listens_for(Session, "before_flush")
def _work_in_the_active_company(session: Session, *_: Any) -> None:
    """What is made without naming a company belongs to the one that the caller works in."""
    context: Context | None = session.info.get("context")
    if context is None:
        return
    for made in session.new:
        if getattr(made, "company_id", "") is None and not inspect(made).mapper.columns["company_id"].nullable:
            made.company_id = context.company_id
