"""Custom fields: what an organization adds to contacts, products, orders and the like, without a migration.

`crm_contacts` owns the definitions; every service whose resources have a `custom` member keeps a copy of them in its
table `custom_field` (`shared/flows/custom_copies.py`, `shared.storage.migrations.custom_fields`). Values are checked against the
definitions before a handler sees them, and stored in their JSON form in the column `custom`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import marshmallow as ma
from sqlalchemy import Engine, Numeric, case, cast, text
from sqlalchemy.orm import Session

from shared import contracts
from shared.kernel.refusals import Invalid
from shared.schema.contract import Operation
from shared.storage.database import Aggregate
from shared.wire import fields
from shared.wire.fields import Schema

TYPES = ("text", "number", "date", "boolean", "choice")

_FRESH_SECONDS = 5.0
"""For so long a process believes that it knows which fields are required when a request names none."""

_READ = text("SELECT name, type, options, required FROM custom_field WHERE resource = :resource ORDER BY id")


@dataclass(frozen=True, slots=True)
class Definition:
    """One custom field of one resource."""

    name: str
    type: str
    options: tuple[str, ...]
    required: bool

    @property
    def field(self) -> ma.fields.Field[Any]:
        """What parses and writes its values."""
        made: dict[str, Callable[[], ma.fields.Field[Any]]] = {
            "text": lambda: fields.Multiline(most=2000),
            "number": lambda: fields.Number(),
            "date": lambda: fields.Day(),
            "boolean": lambda: fields.Flag(),
            "choice": lambda: fields.Choice(*self.options),
        }
        return made[self.type]()


def definitions(session: Session, resource: str) -> dict[str, Definition]:
    """The custom fields of a resource by name, as they are now."""
    rows = session.execute(_READ, {"resource": resource})
    return {r.name: Definition(r.name, r.type, tuple(r.options), r.required) for r in rows}


@cache
def declares(schema: type[Schema] | None) -> bool:
    """Whether a schema has a member `custom`."""
    return schema is not None and isinstance(schema().fields.get("custom"), fields.Custom)


@cache
def resources() -> tuple[str, ...]:
    """The resources that can have custom fields."""
    declared = [o for service in contracts.operations().values() for o in service.values()]
    return tuple(sorted({resource_of(o) for o in declared if o.listing and not o.derived and declares(o.response)}))


def resource_of(operation: Operation) -> str:
    """`contacts` of `/v1/contacts/{id}`."""
    return operation.path.split("/")[2]


def checked(
    session: Session,
    operation: Operation,
    arguments: dict[str, Any],
    known: dict[str, Definition] | None = None,
) -> dict[str, Any]:
    """The handler's arguments with the checked `custom` member in the request. Raises Invalid at /custom/….

    `known` are the definitions, where they were read already. A creation gets all values; a merge patch gets the values
    as they will be (RFC 7396: null removes one).
    """
    request: dict[str, Any] = arguments["request"]
    changed = next((a for a in arguments.values() if isinstance(a, Aggregate)), None)
    sent = request.get("custom")
    resource = resource_of(operation)
    if not sent and (changed is not None or not _some_required(session, resource)):
        return {**arguments, "request": {**request, "custom": {}}} if changed is None else arguments
    known = definitions(session, resource) if known is None else known
    values = dict(getattr(changed, "custom", None) or {})
    errors = _take(values, sent or {}, known)
    named = known if changed is None else [name for name in sent or {} if name in known]
    errors += [_error(name, "required") for name in named if known[name].required and values.get(name) is None]
    if errors:
        raise Invalid(errors)
    return {**arguments, "request": {**request, "custom": values}}


def _take(values: dict[str, Any], sent: dict[str, Any], known: dict[str, Definition]) -> list[dict[str, Any]]:
    """Put what was sent into the values, in JSON form. Returns what is wrong with it."""
    errors = []
    for name, value in sent.items():
        if name not in known:
            errors.append(_error(name, "unknown_field"))
        elif value is None:
            values.pop(name, None)
        else:
            try:
                values[name] = _stored(known[name].field.deserialize(value))
            except ma.ValidationError as error:
                errors += [_error(name, str(code)) for code in error.messages]
    return errors


def _error(name: str, code: str) -> dict[str, Any]:
    return {"pointer": "/custom/" + name.replace("~", "~0").replace("/", "~1"), "code": code}


def _stored(value: Any) -> Any:
    match value:
        case Decimal():
            return fields.plain(value.normalize())
        case date():
            return value.isoformat()
    return value


_required: WeakKeyDictionary[Engine, dict[str, tuple[float, bool]]] = WeakKeyDictionary()


def _some_required(session: Session, resource: str) -> bool:
    """Whether a creation that names no custom field may be refused: rarely asked of the database."""
    known = _required.setdefault(session.get_bind().engine, {})
    until, answer = known.get(resource, (0.0, False))
    if time.monotonic() > until:
        answer = any(definition.required for definition in definitions(session, resource).values())
        known[resource] = (time.monotonic() + _FRESH_SECONDS, answer)
    return answer


def column(custom: Any, definition: Definition) -> Any:
    """The value of a custom field as an expression that can be compared and sorted."""
    shown = custom[definition.name].astext
    if definition.type != "number":
        return shown
    return case((shown.regexp_match(r"^-?[0-9]+(\.[0-9]+)?$"), cast(shown, Numeric)))


def comparable(value: Any) -> Any:
    """A parsed filter value in the form in which `column` shows it."""
    match value:
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case list():
            return [comparable(one) for one in value]
    return value
