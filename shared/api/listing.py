"""List queries: filters, sort, free text and a keyset cursor, from what an operation declares."""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import marshmallow as ma
from sqlalchemy import Select, func, literal, or_, select
from sqlalchemy.orm import Session

from shared.api.reaching import conditions
from shared.kernel.context import current
from shared.kernel.refusals import BadRequest
from shared.schema import keyset
from shared.schema.conditions import EXTERNAL, condition, external_id, held_in_part, tags
from shared.schema.contract import Listing
from shared.storage import custom
from shared.wire import fields
from shared.wire.explaining import details
from shared.wire.fields import Text, Whole

_OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "starts", "is_null")
_COMMON = {"limit", "cursor", "sort", "q", "include_total", "fields", "expand", "format"}
_LARGEST_IN = 200
_FILTER = re.compile(r"(external_ids\.[^\[\]]{1,50}|(?:custom\.)?\w+)(?:\[(\w+)\])?")
_WHOLE = re.compile("-?[0-9]{1,18}")


@dataclass(slots=True)
class Page:
    """One page of a list. `rows` are dumped with the operation's response schema."""

    rows: list[Any]
    next_cursor: str | None
    total: int | None = None


class Filter(NamedTuple):
    """One checked filter. `text` says that it is free text, which is compared without case and accents."""

    name: str
    operator: str
    value: Any
    text: bool


@dataclass(slots=True)
class ListRequest:
    """A checked list request; `page` turns a statement into one page of it.

    `permission` cuts the list to what it reaches; without one, the caller has checked that already.
    """

    conditions: list[Filter]
    sort: list[tuple[str, bool]]
    limit: int
    cursor: list[Any] | None
    q: str | None
    include_total: bool
    search: tuple[str, ...] = ()
    fingerprint: str = field(default="")
    permission: str = ""
    customs: dict[str, Any] = field(default_factory=dict)
    customs_of: str = ""
    parts: dict[str, str] = field(default_factory=dict)

    def page(self, session: Session, statement: Select[Any], columns: dict[str, Any] | None = None) -> Page:
        """Run the statement filtered, sorted and cut to one page.

        `columns` maps a public name to a column or expression where it is not simply the attribute of the same name
        on the entity selected first.
        """
        described = statement.column_descriptions
        entity = described[0]["entity"]
        find = _Columns(entity, columns or {}, self.parts)
        statement = statement.where(*conditions(entity, current(session), self.permission))
        statement = statement.where(*(condition(find[name], *told) for name, *told in self.conditions))
        if self.customs:
            statement = statement.where(*self._custom_conditions(session, find["custom"]))
        if self.q:
            statement = statement.where(or_(*(condition(find[name], "contains", self.q) for name in self.search)))
        total = self._total(session, statement) if self.include_total else None
        keys = [keyset.Key(find[name], descending) for name, descending in self.sort]
        if self.cursor is not None:
            statement = statement.where(keyset.after(keys, self.cursor))
        statement = statement.order_by(*(key.order for key in keys)).limit(self.limit + 1)
        single = len(described) == 1
        rows: list[Any] = list(session.scalars(statement).unique() if single else session.execute(statement).unique())
        shown = rows[: self.limit]
        return Page(shown, self._next(shown[-1]) if len(rows) > self.limit else None, total)

    def _custom_conditions(self, session: Session, stored: Any) -> Iterator[Any]:
        """Filters by custom fields, read now that their definitions can be. Raises BadRequest."""
        known = {f"custom.{name}": d for name, d in custom.definitions(session, self.customs_of).items()}
        listing = Listing(filters={name: definition.field for name, definition in known.items()})
        for parameter, raw in self.customs.items():
            name, operator, value, text = _parse_filter(listing, parameter, raw)
            yield condition(custom.column(stored, known[name]), operator, _comparable(operator, value), text)

    def _total(self, session: Session, statement: Select[Any]) -> int:
        counted = select(func.count()).select_from(
            statement.order_by(None).with_only_columns(literal(1), maintain_column_froms=True).limit(100_001).subquery()
        )
        return session.execute(counted).scalar_one()

    def _next(self, last: Any) -> str:
        """The cursor of the page after this row."""
        source = last[0] if isinstance(last, tuple) and hasattr(last, "_mapping") else last
        values = [getattr(last, name) if hasattr(last, name) else getattr(source, name) for name, _ in self.sort]
        return keyset.written(self.fingerprint, values)


class _Columns:
    def __init__(self, entity: Any, named: dict[str, Any], parts: dict[str, str]) -> None:
        self.entity, self.named, self.parts = entity, named, parts

    def __getitem__(self, name: str) -> Any:
        if name in self.named:
            return self.named[name]
        if name.startswith(EXTERNAL):
            return external_id(name, self.entity.external_ids)
        if name in self.parts:
            return held_in_part(name, getattr(self.entity, self.parts[name]))
        found = getattr(self.entity, name)
        return tags(name, found) if name == "tags" else found


def parse(listing: Listing, query: dict[str, Any], customs_of: str = "") -> ListRequest:
    """Check the query parameters of a list. Raises BadRequest naming what is allowed.

    `customs_of` is the resource whose custom fields are filters too: `custom.<name>`, checked when the list is read.
    """
    customs = {name: raw for name, raw in query.items() if customs_of and name.startswith("custom.")}
    conditions = []
    for parameter, raw in query.items():
        if parameter not in _COMMON and parameter not in customs:
            conditions.append(_parse_filter(listing, parameter, raw))
    sort = _parse_sort(listing, str(query.get("sort", listing.default_sort)))
    fingerprint = _fingerprint([*conditions, *customs.items()], sort, query.get("q"))
    return ListRequest(
        conditions=conditions,
        sort=sort,
        limit=_parse_limit(query.get("limit", "50")),
        cursor=keyset.read(query["cursor"], fingerprint, len(sort)) if query.get("cursor") else None,
        q=_parse_q(listing, query.get("q")),
        include_total=_parse_flag("include_total", query.get("include_total", "false")),
        search=listing.search,
        fingerprint=fingerprint,
        customs=customs,
        customs_of=customs_of,
        parts=listing.parts,
    )


def _parse_filter(listing: Listing, parameter: str, raw: Any) -> Filter:
    form = _FILTER.fullmatch(parameter)
    name, operator = (form[1], form[2] or "eq") if form else ("", "")
    parser = fields.Uuid() if name == "id" else listing.filters.get(name)
    if listing.external_ids and name.startswith(EXTERNAL):
        parser = Text(most=200)
    if parser is None or operator not in _OPERATORS or not isinstance(raw, str):
        external = {f"{EXTERNAL}<source>"} if listing.external_ids else set()
        allowed = sorted({*listing.filters, "id", *_COMMON, *external})
        raise BadRequest(
            [{"pointer": f"?{parameter}", "code": "unknown_filter"}], allowed=allowed, operators=list(_OPERATORS)
        )
    try:
        return Filter(name, operator, _asked(parser, parameter, operator, raw), isinstance(parser, Text))
    except csv.Error:
        raise _wrong(parameter, "invalid", {}) from None
    except ma.ValidationError as error:
        code = str(error.messages[0])
        known = {"allowed": ["true", "false"]} if code == "invalid_choice" else {}
        raise _wrong(parameter, code, known | details(parser, code)) from None


def _asked(parser: ma.fields.Field[Any], parameter: str, operator: str, raw: str) -> Any:
    """The value of a filter. Raises ValidationError, csv.Error, or BadRequest for an operator that does not fit."""
    if operator == "is_null":
        return _flag(raw)
    if operator == "in":
        parts = _listed(raw)
        if len(parts) > _LARGEST_IN:
            raise _wrong(parameter, "too_long", {"most": _LARGEST_IN})
        return [_value(parser, part) for part in parts]
    if operator in ("contains", "starts") and not isinstance(parser, ma.fields.String):
        allowed = [o for o in _OPERATORS if o not in ("contains", "starts")]
        raise _wrong(parameter, "unknown_filter", {"allowed": allowed})
    return _value(parser, raw)


def _wrong(parameter: str, code: str, known: dict[str, Any]) -> BadRequest:
    return BadRequest([{"pointer": f"?{parameter}", "code": code}], [known])


def _flag(raw: str) -> bool:
    if raw not in ("true", "false"):
        raise ma.ValidationError("invalid_choice")
    return raw == "true"


def _listed(raw: str) -> list[str]:
    """Values with commas between; one with a comma in it stands in double quotes, as in a CSV file (RFC 4180)."""
    return next(csv.reader([raw], strict=True), None) or [""]


def _value(parser: ma.fields.Field[Any], raw: str) -> Any:
    if isinstance(parser, fields.Flag):
        return _flag(raw)
    if isinstance(parser, Whole):
        return parser.deserialize(int(raw) if _WHOLE.fullmatch(raw) else raw)
    return parser.deserialize(raw)


def _parse_sort(listing: Listing, raw: str) -> list[tuple[str, bool]]:
    sort: list[tuple[str, bool]] = []
    for part in raw.split(","):
        name = part.removeprefix("-")
        if name not in (*listing.sorts, "id") or name in {known for known, _ in sort}:
            raise BadRequest([{"pointer": "?sort", "code": "unknown_filter"}], allowed=sorted({*listing.sorts, "id"}))
        sort.append((name, part.startswith("-")))
    if "id" not in {name for name, _ in sort}:
        sort.append(("id", sort[-1][1]))
    return sort


def _parse_limit(raw: Any) -> int:
    if not (isinstance(raw, str) and _WHOLE.fullmatch(raw) and 1 <= int(raw) <= 200):
        raise BadRequest([{"pointer": "?limit", "code": "out_of_range"}], least=1, most=200)
    return int(raw)


def _parse_flag(name: str, raw: Any) -> bool:
    if raw not in ("true", "false"):
        raise BadRequest([{"pointer": f"?{name}", "code": "invalid_choice"}], allowed=["true", "false"])
    return bool(raw == "true")


def _parse_q(listing: Listing, raw: Any) -> str | None:
    if raw is None or raw == "":
        return None
    if not listing.search:
        raise BadRequest([{"pointer": "?q", "code": "unknown_filter"}], allowed=sorted({*listing.filters, "id"}))
    try:
        return str(Text(most=200).deserialize(raw))
    except ma.ValidationError as error:
        raise BadRequest([{"pointer": "?q", "code": str(error.messages[0])}], most=200) from None


def _fingerprint(conditions: list[Any], sort: list[Any], q: Any) -> str:
    return hashlib.sha256(repr((sorted(map(repr, conditions)), sort, q)).encode()).hexdigest()[:12]


def _comparable(operator: str, value: Any) -> Any:
    return value if operator == "is_null" else custom.comparable(value)
