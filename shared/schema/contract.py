"""`Operation` and `Event`: one declaration from which handler, route, validation, documentation and topology follow."""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from uuid import UUID

import marshmallow as ma

from shared.kernel import ids
from shared.kernel.money import LARGEST_SUM
from shared.schema import naming
from shared.schema.filling import filled
from shared.wire import fields
from shared.wire.fields import Schema, instant, plain
from shared.wire.loading import Load

if TYPE_CHECKING:
    from shared.schema.collection import Collection
    from shared.schema.resource import Resource

PUBLIC = "public"
"""The permission of an operation that needs no sign-in."""

SIGNED_IN = "signed_in"
"""The permission of an operation that every signed-in user holds."""

Amount = Annotated[Decimal, "amount"]
"""An amount or price in an event: written with two decimals at least, as the API shows it."""

Changes = dict[str, list[Any]]
"""{field: [old, new]} of what has changed, in the notation of the API."""

CATALOGUE: dict[str, type["Event"]] = {}
"""Every declared event by its CloudEvents type, e.g. `liaison.crm_sales.order.placed.v1`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list operation can filter by and sort by.

    `filters` maps a public field name to the marshmallow field that parses its value. `sorts` are the sortable
    names; `id` is always the last sort key. `search` are the names that `q` looks into. What follows from the answer of
    the list is added to what is declared (`following`); `external_ids` says that `external_ids.<source>` is a filter,
    `parts` in which list of parts a filter looks: `product_id` in `lines`.
    """

    filters: dict[str, ma.fields.Field[Any]] = field(default_factory=dict)
    sorts: tuple[str, ...] = ("created_at",)
    default_sort: str = "-created_at"
    search: tuple[str, ...] = ()
    external_ids: bool = False
    parts: dict[str, str] = field(default_factory=dict)

    def following(self, response: type[Schema]) -> "Listing":
        """With filters by every reference, tag, external id and time that the answer shows, and sorts by its times."""
        shown = response().dump_fields
        times = [name for name in ("created_at", "updated_at") if isinstance(shown.get(name), fields.Instant)]
        found: dict[str, ma.fields.Field[Any]] = {name: fields.Instant() for name in times}
        found |= {n: fields.Uuid(refers=f.refers) for n, f in shown.items() if isinstance(f, fields.Uuid) and n != "id"}
        inside = dict(_references_inside(shown))
        found = {n: fields.Uuid(refers=reference.refers) for n, (reference, _) in inside.items()} | found
        if "tags" in shown:
            found["tags"] = fields.Text(most=50)
        sorts = tuple(dict.fromkeys((*self.sorts, *times)))
        external = isinstance(shown.get("external_ids"), fields.Table)
        parts = {name: whole for name, (_, whole) in inside.items() if name == whole or name not in shown}
        return replace(self, filters={**found, **self.filters}, sorts=sorts, external_ids=external, parts=parts)


def _references_inside(shown: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, str]]]:
    """What the parts of a resource refer to, such as the product of a line: (name, (field, name of the list of parts))."""
    for whole, listed in shown.items():
        part = listed.inner if isinstance(listed, ma.fields.List) else None
        if isinstance(part, fields.Uuid):
            yield whole, (part, whole)
        elif isinstance(part, ma.fields.Nested):
            inner = part.schema.dump_fields
            yield from ((n, (f, whole)) for n, f in inner.items() if isinstance(f, fields.Uuid) and n != "id")


@dataclass(eq=False)
class Operation:
    """One thing that a service does for callers.

    `route` is "METHOD /v1/path/{id}"; GET operations are queries, all others commands. The name and the service are
    those of the module attribute that holds the declaration. `idempotency` is "required" where money or stock moves
    or legal documents are made (a key must be sent), otherwise "accepted". `listing` marks a list, whose answer is
    {"data": [response …], "next_cursor": …}. `parameters` is the schema of other query parameters (reports).
    `deprecated` and `sunset` are the days (YYYY-MM-DD) from which clients should not use it any more, and on which it
    goes; `successor` is the path of what replaces it. `derived` and `collection` are set on operations that follow from
    declared ones (`shared/derived`); `everywhere` on those that each service has for itself under one route: the
    gateway asks all of them, or the one that is named.
    `declared` is the resource whose declaration this follows from; its `rules` hold for the record that results.
    `imported` is what a row of a file may say, where that is more than `request`.
    `all_companies` is for what cannot be cut by company: it needs the right to all of them.
    `problems` are HTTP statuses that this operation refuses with beyond those that follow from the rest.
    """

    route: str
    summary: str
    permission: str
    response: type[Schema] | None = None
    request: type[Schema] | None = None
    imported: type[Schema] | None = None
    listing: Listing | None = None
    parameters: type[Schema] | None = None
    idempotency: str = "accepted"
    status: int = 200
    problems: tuple[int, ...] = ()
    tag: str = ""
    service: str = ""
    name: str = ""
    deprecated: str = ""
    sunset: str = ""
    successor: str = ""
    derived: str = ""
    collection: "Collection | None" = None
    declared: "type[Resource] | None" = None
    rules: tuple[Callable[[Any], None], ...] = ()
    everywhere: bool = False
    all_companies: bool = False

    def __post_init__(self) -> None:
        for day in filter(None, (self.deprecated, self.sunset)):
            datetime.strptime(day, "%Y-%m-%d")
        if self.listing and self.response:
            self.listing = self.listing.following(self.response)

    @property
    def id(self) -> str:
        """Its name among the operations of all services, as documents and clients know it: `orders.place`."""
        return naming.operation_id(self.name, self.method, self.path)

    @property
    def method(self) -> str:
        return self.route.split(" ", 1)[0]

    @property
    def path(self) -> str:
        return self.route.split(" ", 1)[1]

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_query(self) -> bool:
        return self.method == "GET" or self.idempotency == "none"

    @property
    def is_sparse(self) -> bool:
        """Whether clients choose the members of the answer: lists, and reading one resource."""
        return self.method == "GET" and self.response is not None and bool(self.listing or self.path.endswith("/{id}"))

    @property
    def offers_verbs(self) -> bool:
        """Whether it tells of a record which verbs are possible now."""
        return (
            self.declared is not None
            and getattr(self.declared, "get", None) is self
            and bool(self.declared.declaration.verbs)
        )

    @property
    def needs_version(self) -> bool:
        """PATCH and DELETE name the version that they change."""
        return self.method in ("PATCH", "DELETE")


@typing.dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Data:
    """What events carry, or a part of it: each subclass is a frozen dataclass.

    Fields may be UUID, str, int, bool, Decimal, date, datetime, `Amount`, other `Data`, lists of these, any of them or
    None, and `Changes`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True, kw_only=True)(cls)

    @classmethod
    def of(cls, source: Any, **given: Any) -> Self:
        """Filled by name from the aggregate, or the part of it, that it tells of; `given` is what differs or lacks."""
        return cls(**filled(cls, source, given))


class Event(Data):
    """A fact that a service publishes: `class OrderHeld(Event, type="crm_sales.order.held", number=0x2A1, permission=…)`.

    Users with the permission may see it outside of Liaison; several events may have it from the `Data` that they share.
    The docstring says when it is sent.

    The first field is the id of the aggregate that the fact is about. `about` is the document that it reports on, where that
    is another one: `about="delivery"` for its fields `delivery_id` and, where it has one, `delivery_number`.

    Within a version fields are only added, with a default; anything else is a new class with the next version.

    `number` (below 4096) stands in the id of each event, so that any service can tell from an id alone of which type it
    is. It is given once and never used again: tests/contracts/snapshots/numbers/ holds all that were ever released.
    """

    type: ClassVar[str]
    version: ClassVar[int]
    permission: ClassVar[str]
    schema: ClassVar[ma.Schema]
    load: ClassVar[Load]
    full_type: ClassVar[str]
    data_schema: ClassVar[str]
    service: ClassVar[str]
    aggregate: ClassVar[str]
    aggregate_field: ClassVar[str]
    about: ClassVar[str]
    for_its_companies: ClassVar[bool] = False
    """Whether its member `companies` (None: all) says who may see it, not the company in which it was published."""

    def __init_subclass__(
        cls, type: str, number: int, permission: str = "", version: int = 1, about: str = "", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.type, cls.version = type, version
        cls.permission = permission or getattr(cls, "permission", "")
        cls.full_type = f"liaison.{type}.v{version}"
        cls.data_schema = f"urn:liaison:event:{type}:{version}"
        cls.service, cls.aggregate, _ = type.split(".")
        names = [f.name for f in dataclasses.fields(cls)]
        cls.aggregate_field, cls.about = names[0], about or cls.aggregate
        if about and f"{about}_id" not in names:
            raise TypeError(f"{cls.full_type} is about a {about}, and has no field {about}_id")
        if cls.full_type in CATALOGUE:
            raise TypeError(f"{cls.full_type} is declared twice")
        ids.assign(cls.full_type, number)
        CATALOGUE[cls.full_type] = cls

    @property
    def aggregate_id(self) -> UUID:
        first: UUID = getattr(self, type(self).aggregate_field)
        return first

    def to_data(self) -> dict[str, Any]:
        """The JSON form: decimals, ids and times as strings."""
        return _object(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Read the JSON form; unknown members are ignored. Raises marshmallow.ValidationError."""
        loaded: Self = cls.load(data)
        return loaded


def _object(value: Any) -> dict[str, Any]:
    return {name: write(getattr(value, name)) for name, write in _members(type(value))}


_MEMBERS: dict[Any, list[tuple[str, Callable[[Any], Any]]]] = {}


def _members(cls: Any) -> list[tuple[str, Callable[[Any], Any]]]:
    """Each field of a dataclass with what writes its value."""
    if cls not in _MEMBERS:
        hints = typing.get_type_hints(cls, include_extras=True)
        names = [f.name for f in dataclasses.fields(cls)]
        _MEMBERS[cls] = [(name, _amount if _is_amount(hints[name]) else _to_json) for name in names]
    return _MEMBERS[cls]


def _is_amount(hint: Any) -> bool:
    return Amount in (hint, *typing.get_args(hint))


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else plain(value, fields.Amount.least_decimals)


def _to_json(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case UUID():
            return str(value)
        case Decimal():
            return plain(value)
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_to_json(item) for item in value]
        case dict():
            return {name: _to_json(inner) for name, inner in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return _object(value)
    raise TypeError(f"an event cannot carry a {type(value).__name__}")


_FIELDS: dict[Any, Callable[..., ma.fields.Field[Any]]] = {
    str: lambda **kw: ma.fields.String(**kw),
    UUID: lambda **kw: fields.Uuid(**kw),
    int: lambda **kw: fields.Whole(least=-(2**63), most=2**63 - 1, **kw),
    bool: lambda **kw: fields.Flag(**kw),
    Decimal: lambda **kw: fields.Number(decimals=12, below=LARGEST_SUM, **kw),
    date: lambda **kw: fields.Day(**kw),
    datetime: lambda **kw: fields.Instant(**kw),
}


def schema_of(cls: Any) -> type[ma.Schema]:
    """A marshmallow schema for a dataclass; loading gives an instance of it and ignores unknown members."""
    hints = typing.get_type_hints(cls)
    members: dict[str, Any] = {
        f.name: _field(hints[f.name], has_default=_has_default(f)) for f in dataclasses.fields(cls)
    }

    @ma.post_load
    def build(self: ma.Schema, data: dict[str, Any], **kwargs: Any) -> Any:
        return cls(**data)

    meta = type("Meta", (), {"unknown": ma.EXCLUDE})
    return type(cls.__name__ + "Schema", (ma.Schema,), {**members, "build": build, "builds": cls, "Meta": meta})


def _has_default(f: "dataclasses.Field[Any]") -> bool:
    return f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING


def _field(hint: Any, has_default: bool) -> ma.fields.Field[Any]:
    options: dict[str, Any] = {"required": not has_default}
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (h for h in typing.get_args(hint) if h is not type(None))
        options["allow_none"] = True
    if typing.get_origin(hint) is dict:
        return fields.Open(**options)
    if typing.get_origin(hint) is list:
        return ma.fields.List(_field(typing.get_args(hint)[0], has_default=False), **options)
    if dataclasses.is_dataclass(hint):
        return ma.fields.Nested(schema_of(hint), unknown=ma.EXCLUDE, **options)
    return _FIELDS[hint](**options)
