"""What would have been right, for each error of a body or parameter: from the field that refused it, for its sentence."""

from typing import Any

import marshmallow as ma

from shared.wire import fields
from shared.wire.fields import Schema, plain

Details = dict[str, Any]

_JSON_TYPES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((fields.Whole,), "integer"),
    ((fields.Flag,), "boolean"),
    ((fields.Many,), "array"),
    ((fields.Part, ma.fields.Dict, Schema), "object"),
    ((fields.Scalar,), "string, integer or boolean"),
)
MOST_NAMES = 100


MOST_ERRORS = 100
"""Named in one refusal; nobody reads more, and the answer must not be larger than the question."""


def explained(schema: Schema, error: ma.ValidationError) -> tuple[list[Details], list[Details]]:
    """(errors with JSON pointers into a body of a schema, what the sentence of each names)."""
    found = pointers(error.normalized_messages())[:MOST_ERRORS]
    both = [_explained(schema, one) for one in found]
    return [one for one, _ in both], [known for _, known in both]


def _explained(schema: Schema, error: Details) -> tuple[Details, Details]:
    path = _path(schema, error["pointer"])
    if error["code"] == "unknown_field":
        inside = _object(path[-2][1] if len(path) > 1 else schema)
        return error, {"allowed": sorted(inside.load_fields)[:MOST_NAMES]} if inside else {}
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step, _ in path)
    return {**error, "pointer": pointer}, details(path[-1][1] if path else schema, str(error["code"]))


def _path(schema: Schema, pointer: str) -> list[tuple[str, Any]]:
    """Each step of a pointer with the field that it leads to; None where it leads to no field.

    Marshmallow says of a value in an open object that it is the `value` behind its key; JSON has no such step.
    """
    path: list[tuple[str, Any]] = []
    at: Any = schema
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if len(path) > 1 and isinstance(path[-2][1], ma.fields.Dict) and step in ("key", "value"):
            at = path[-2][1].key_field if step == "key" else at
            path[-1] = (path[-1][0], at)
            continue
        at = _below(at, step)
        path.append((step, at))
    return path


def _below(at: Any, step: str) -> Any:
    if isinstance(at, ma.fields.List):
        return at.inner
    if isinstance(at, ma.fields.Dict):
        return at.value_field
    inside = _object(at)
    return inside.load_fields.get(step) if inside else None


def _object(at: Any) -> ma.Schema | None:
    """The schema of an object."""
    found = at.schema if isinstance(at, ma.fields.Nested) else at
    return found if isinstance(found, ma.Schema) else None


def details(field: Any, code: str) -> Details:
    """What a field would have taken: `allowed`, `least`, `most`, `decimals` or `expected`."""
    if code == "invalid_choice" and isinstance(field, fields.Choice):
        return {"allowed": list(field.choices)}
    if code == "invalid_type":
        return {"expected": next((name for kinds, name in _JSON_TYPES if isinstance(field, kinds)), "string")}
    if code == "too_many_digits" and isinstance(field, fields.Number):
        return {"decimals": field.decimals}
    if code in ("too_long", "out_of_range"):
        return _bounds(field)
    return {"least": _least(field)} if code == "too_short" else {}


def _bounds(field: Any) -> Details:
    if isinstance(field, fields.Number):
        least = "0" if field.not_negative or field.positive else None
        return {} if field.most is None else {"least": least or plain(-field.most), "most": plain(field.most)}
    found = {name: getattr(field, name) for name in ("least", "most") if isinstance(getattr(field, name, None), int)}
    return found or ({"most": fields.MOST_KEYS} if isinstance(field, ma.fields.Dict) else {})


def _least(field: Any) -> int:
    shortest = [v.min for v in field.validators if isinstance(v, ma.validate.Length) and v.min]
    return max(shortest, default=1)


def pointers(messages: Any, at: str = "") -> list[dict[str, str]]:
    """Marshmallow's nested messages as a flat list of {pointer, code} with RFC 6901 JSON pointers."""
    if isinstance(messages, dict):
        found = []
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            found += pointers(inner, at + step)
        return found
    return [{"pointer": at, "code": str(code)} for code in (messages if isinstance(messages, list) else [messages])]
