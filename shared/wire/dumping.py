"""Schemas compiled to plain functions: what a schema dumps, without asking it for every field of every row.

A response has a closed set of fields (`fields.py`), so its JSON form can be written down once per schema. Members that
an object lacks are left out, as marshmallow does. A field of a class that is not known here is asked itself.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import marshmallow as ma

from shared.wire import fields

Dump = Callable[[Any], Any]
_MISSING = object()
_NOTHING: dict[str, Any] = {}


def compiled(schema: type[ma.Schema], only: tuple[str, ...] | None = None) -> Dump:
    """The function that turns an object or dict into the JSON form of a schema, or of some of its members."""
    chosen = {n: f for n, f in schema().dump_fields.items() if only is None or n in only}
    members = [(field.data_key or n, field.attribute or n, _converter(field)) for n, field in chosen.items()]

    def dump(source: Any) -> dict[str, Any]:
        is_dict, out = isinstance(source, dict), {}
        # What a record has loaded lies in its own dictionary: no descriptor need be asked for it.
        held = source if is_dict else getattr(source, "__dict__", _NOTHING)
        for name, attribute, convert in members:
            value = held.get(attribute, _MISSING)
            if value is _MISSING and not is_dict:
                value = getattr(source, attribute, _MISSING)
            if value is not _MISSING:
                out[name] = value if value is None or convert is None else convert(value)
        return out

    return dump


def _converter(field: ma.fields.Field[Any]) -> Dump | None:
    """None: the value is its own JSON form."""
    match field:
        case fields.Uuid():
            return str
        case fields.Number(least_decimals=least):
            return lambda value: fields.plain(value, least)
        case fields.Instant():
            return fields.instant
        case fields.Day():
            return lambda value: value.isoformat()
        case fields.Part() if type(field)._serialize is ma.fields.Nested._serialize:
            return compiled(type(field.schema))
        case fields.Kept():
            return None
        case fields.Many() if type(field)._serialize is ma.fields.List._serialize:
            inner = _converter(field.inner)
            return list if inner is None else lambda values: [None if v is None else inner(v) for v in values]
        case (
            fields.Text()
            | fields.Choice()
            | fields.Whole()
            | fields.Flag()
            | fields.Table()
            | fields.Open()
            | fields.Anything()
            | fields.Custom()
        ):
            return None
    return lambda value: field._serialize(value, None, None)


@lru_cache(maxsize=1000)
def dumper(schema: type[ma.Schema], only: tuple[str, ...] | None = None) -> Dump:
    """The function that turns a result into its JSON form, compiled once."""
    return compiled(schema, only)
