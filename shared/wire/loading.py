"""Schemas compiled to plain functions: what a schema loads, without asking it for every field of every row.

A compiled loader only ever says yes: it gives what the schema would give for a document that is valid beyond doubt,
and hands everything else to the schema itself. So rules and errors are the schema's own, and valid rows, which are
most of a file, cost microseconds instead of a millisecond. (`dumping.py` is the other direction.)
"""

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from marshmallow import validate

from shared.wire import fields

Load = Callable[[Any], Any]


class _Doubt(Exception):
    """Not valid, or not simple enough to be sure."""


def compiled(schema: type[ma.Schema], partial: bool = False) -> Load:
    """A function that loads one document as `schema().load(document, partial=partial)` does, with the same errors."""
    instance = schema()
    fast = _object(instance, partial)

    def load(document: Any) -> Any:
        try:
            return fast(document)
        except _Doubt:
            return instance.load(document, partial=partial)

    return load


def _object(schema: ma.Schema, partial: bool) -> Load:
    if hasattr(schema, "builds"):
        return _fact(schema, schema.builds)
    if any(schema._hooks.values()) or schema.unknown != ma.RAISE:
        return _doubt
    members = {
        field.data_key or name: (field.attribute or name, _value(field, partial))
        for name, field in schema.load_fields.items()
    }
    required = {field.data_key or name for name, field in schema.load_fields.items() if field.required}
    defaults = {
        field.attribute or name: field.load_default
        for name, field in schema.load_fields.items()
        if field.load_default is not ma.missing
    }
    if any("." in attribute for attribute, _ in members.values()):
        return _doubt
    needed = set() if partial else required
    given = {} if partial else defaults

    def load(document: Any) -> dict[str, Any]:
        if type(document) is not dict or not needed <= document.keys():
            raise _Doubt
        found = {}
        for name, value in document.items():
            if name not in members:
                raise _Doubt
            attribute, read = members[name]
            found[attribute] = read(value)
        for attribute, default in given.items():
            if attribute not in found:
                found[attribute] = default() if callable(default) else default
        return found

    return load


def _fact(schema: ma.Schema, builds: Callable[..., Any]) -> Load:
    """Of schemas that `contract.schema_of` makes: an instance of a dataclass; unknown members are ignored."""
    members = [(name, _value(field), field.required) for name, field in schema.load_fields.items()]

    def load(document: Any) -> Any:
        if type(document) is not dict:
            raise _Doubt
        found = {}
        for name, read, required in members:
            if name in document:
                found[name] = read(document[name])
            elif required:
                raise _Doubt
        return builds(**found)

    return load


def _doubt(document: Any) -> Any:
    raise _Doubt


def _value(field: ma.fields.Field[Any], partial: bool = False) -> Load:
    """What reads a value of a field: its own rule, then its validators, with null where that is allowed."""
    read, checks = _reader(field, partial), _checks(field)
    null_allowed = field.allow_none

    def value_of(value: Any) -> Any:
        if value is None:
            if null_allowed:
                return None
            raise _Doubt
        loaded = read(value)
        for check in checks:
            if not check(loaded):
                raise _Doubt
        return loaded

    return value_of


def _reader(field: ma.fields.Field[Any], partial: bool) -> Load:
    match field:
        case fields.Part() if type(field) is fields.Part and not field.many:
            return _object(field.schema, partial)
        case fields.Many() if type(field)._deserialize is fields.Many._deserialize:
            return _many(field)
        case ma.fields.List() if type(field) is ma.fields.List:
            return _list(field)
        case ma.fields.Nested() if hasattr(field.schema, "builds"):
            return _object(field.schema, False)
        case ma.fields.String() if type(field) is ma.fields.String:
            return _text
        case fields.Part() | ma.fields.List():
            return _doubt
    deserialize = field._deserialize

    def read(value: Any) -> Any:
        try:
            return deserialize(value, None, None)
        except (ma.ValidationError, TypeError, ValueError):
            raise _Doubt from None

    return read


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _Doubt
    return value


def _list(field: ma.fields.List[Any]) -> Load:
    inner = _value(field.inner)

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _Doubt
        return [inner(item) for item in value]

    return read


def _many(field: fields.Many) -> Load:
    inner, most = _value(field.inner), field.most

    def read(value: Any) -> list[Any]:
        if type(value) is not list or len(value) > most:
            raise _Doubt
        return [inner(item) for item in value]

    return read


def _checks(field: ma.fields.Field[Any]) -> list[Callable[[Any], bool]]:
    return [_check(validator) for validator in field.validators]


def _check(validator: Any) -> Callable[[Any], bool]:
    match validator:
        case validate.Length(min=least, max=most, equal=None):
            low, high = least or 0, most if most is not None else float("inf")
            return lambda value: low <= len(value) <= high
        case validate.OneOf(choices=choices):
            known = frozenset(choices)
            return lambda value: value in known
    return lambda value: _passes(validator, value)


def _passes(validator: Any, value: Any) -> bool:
    try:
        return validator(value) is not False
    except ma.ValidationError:
        return False
