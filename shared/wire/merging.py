"""JSON merge patches (RFC 7396): null removes a member, objects are merged at every depth, all else is replaced."""

from collections.abc import Iterator
from typing import Any

import marshmallow as ma

from shared.kernel.refusals import Invalid
from shared.wire import fields
from shared.wire.explaining import explained

_OBJECTS = (fields.Part, fields.Table)


def merged(original: Any, patch: Any) -> Any:
    """The document after the patch; neither of the two is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(original) if isinstance(original, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def patch_to(wanted: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The patch of these members that turns what there is now into what is wanted."""
    patch: dict[str, Any] = {}
    for name, value in wanted.items():
        known = now.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            patch[name] = {**dict.fromkeys(known.keys() - value.keys()), **patch_to(value, known)}
        else:
            patch[name] = value
    return patch


def explicit(schema: ma.Schema, patch: Any) -> Any:
    """A patch as the schema can check it, before what it changes is known.

    Without a list or a table, a resource has an empty one; that is what null makes of it.
    """
    if not isinstance(patch, dict):
        return patch
    return {name: _explicit(schema.fields.get(name), value) for name, value in patch.items()}


def _explicit(field: Any, value: Any) -> Any:
    if value is None and field is not None and not field.allow_none:
        return [] if isinstance(field, fields.Many) else {} if isinstance(field, ma.fields.Dict) else None
    return merged({}, value) if isinstance(field, _OBJECTS) else value


def as_removal(error: dict[str, Any]) -> dict[str, Any]:
    """The error of a patch whose null removes a member that has to be there."""
    removed = error["code"] == "null" and error["pointer"].count("/") == 1
    return {**error, "code": "required"} if removed else error


def whole(schema: ma.Schema, patch: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The objects that a patch names as they will be, given the resource as it is shown now. Raises Invalid."""
    return {name: _complete(name, field, now.get(name), patch[name]) for name, field in _objects(schema, patch)}


def _objects(schema: ma.Schema, patch: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in patch.items():
        field = schema.fields.get(name)
        emptied = value is None and isinstance(field, fields.Custom)
        if emptied or (isinstance(field, _OBJECTS) and not (value is None and field.allow_none)):
            yield name, field


def _complete(name: str, field: Any, now: Any, patch: Any) -> Any:
    """One member, checked as a whole. Of custom fields only null is of interest here: it removes each of them."""
    if isinstance(field, fields.Custom):
        return dict.fromkeys(now or {})
    stored = {key: value for key, value in (now or {}).items() if value is not None and _knows(field, key)}
    try:
        return field.deserialize(merged(stored, patch) if patch is not None else {})
    except ma.ValidationError as error:
        raise Invalid(*explained(field.parent, ma.ValidationError({name: error.messages}))) from None


def _knows(field: Any, member: str) -> bool:
    return not isinstance(field, fields.Part) or member in field.schema.fields
