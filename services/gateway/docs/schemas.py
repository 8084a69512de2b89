"""JSON Schemas of the marshmallow schemas that contracts are written with: exact types, closed inputs, open outputs."""

from typing import Any

import marshmallow as ma
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from gateway.docs.component_names import component_name
from shared.wire import fields
from shared.wire.fields import Schema

_TYPES: dict[type[ma.fields.Field[Any]], tuple[str, str | None]] = {
    fields.Uuid: ("string", "uuid"),
    fields.Number: ("string", "decimal"),
    fields.Amount: ("string", "decimal"),
    fields.Price: ("string", "decimal"),
    fields.Quantity: ("string", "decimal"),
    fields.Percent: ("string", "decimal"),
    fields.Whole: ("integer", "int64"),
    fields.Flag: ("boolean", None),
    fields.Day: ("string", "date"),
    fields.Instant: ("string", "date-time"),
}

_WHOLE_TOO = "x-whole-too"
"""Marks a decimal while schemas are collected: the bounds within which it may be written as a whole number."""


class Components:
    """Collects the schemas of one direction: what clients send, or what they receive."""

    def __init__(self, named: bool = True) -> None:
        self._plugin = MarshmallowPlugin(schema_name_resolver=component_name if named else _unnamed)
        self._spec = APISpec("", "", "3.1.0", plugins=[self._plugin])
        assert self._plugin.converter is not None
        for field, (type_, format_) in _TYPES.items():
            self._plugin.map_to_openapi_type(field, type_, format_)  # type: ignore[no-untyped-call]
        self._plugin.converter.add_attribute_function(_limits)  # type: ignore[no-untyped-call]

    def reference(self, schema: type[Schema]) -> dict[str, Any]:
        """A `$ref` to the component of a schema, which is collected with all that it holds."""
        assert self._plugin.resolver is not None
        found: dict[str, Any] = self._plugin.resolver.resolve_schema_dict(schema)  # type: ignore[no-untyped-call]
        return found

    def field(self, field: ma.fields.Field[Any]) -> dict[str, Any]:
        """The schema of a single field, for query parameters."""
        assert self._plugin.converter is not None
        found: dict[str, Any] = self._plugin.converter.field2property(field)
        found.pop(_WHOLE_TOO, None)
        return found

    def properties(self) -> list[tuple[type[Schema], dict[str, Any]]]:
        """Each collected schema with the properties of its component, to be completed."""
        assert self._plugin.converter is not None
        named = {name: key[0] for key, name in self._plugin.converter.refs.items()}
        found = self._spec.components.schemas
        return [(cls, found[name].setdefault("properties", {})) for name, cls in named.items() if name in found]

    def written_out(self, schema: ma.Schema) -> dict[str, Any]:
        """A schema of what is received, with nested ones where they stand; for collectors that name nothing."""
        assert self._plugin.converter is not None
        found: dict[str, Any] = _promising(self._plugin.converter.schema2jsonschema(schema))
        return found

    def collected(self, closed: bool) -> dict[str, Any]:
        """All components; closed ones refuse unknown members, open ones may grow within a version."""
        found: dict[str, Any] = self._spec.to_dict().get("components", {}).get("schemas", {})
        for schema in found.values():
            schema.pop("additionalProperties", None)
            if closed:
                schema["additionalProperties"] = False
        return {name: (_accepting if closed else _promising)(schema) for name, schema in found.items()}


def _unnamed(schema: Any) -> Any:
    """No component: the schema is written out where it stands."""
    return None


def merged(sent: dict[str, Any], received: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Both directions as one set. What stands in both keeps its name as an output and becomes `…Input` as an input.

    Returns the components and the renamed references, old → new.
    """
    renamed = {f"#/components/schemas/{name}": f"#/components/schemas/{name}Input" for name in sent if name in received}
    inputs = {f"{name}Input" if name in received else name: repointed(schema, renamed) for name, schema in sent.items()}
    return dict(sorted({**received, **inputs}.items())), renamed


def repointed(value: Any, renamed: dict[str, str]) -> Any:
    """A copy of a JSON value with its references renamed."""
    if isinstance(value, list):
        return [repointed(one, renamed) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        n: renamed.get(v, v) if n == "$ref" and isinstance(v, str) else repointed(v, renamed) for n, v in value.items()
    }


def _accepting(schema: Any) -> Any:
    """A schema of what clients send: decimals may be written as whole numbers, too."""
    if isinstance(schema, list):
        return [_accepting(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _accepting(inner) for name, inner in schema.items() if name != _WHOLE_TOO}
    if _WHOLE_TOO in schema:
        types = found["type"] if isinstance(found["type"], list) else [found["type"]]
        found |= {"type": [*types, "integer"], **schema[_WHOLE_TOO]}
    return found


def _promising(schema: Any) -> Any:
    """A schema of what clients receive: sums outgrow what is accepted, and lists their longest request."""
    if isinstance(schema, list):
        return [_promising(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    limits = () if schema.get("format") == "uuid" else ("maxLength", "minLength")
    found = {
        name: _promising(inner)
        for name, inner in schema.items()
        if isinstance(inner, (dict, list)) or name not in (*limits, "maxItems", "minItems", "uniqueItems", _WHOLE_TOO)
    }
    found.pop(_WHOLE_TOO, None)
    return found | ({"pattern": "^-?[0-9]+([.][0-9]+)?$"} if found.get("format") == "decimal" else {})


def _limits(self: Any, field: ma.fields.Field[Any], **kwargs: Any) -> dict[str, Any]:
    """What our own fields know beyond marshmallow's validators."""
    if isinstance(field, fields.Number):
        return {"pattern": _pattern(field), "maxLength": 32, _WHOLE_TOO: _bounds(field)}
    if isinstance(field, fields.Whole):
        return {"minimum": field.least, "maximum": field.most}
    if isinstance(field, fields.Uuid):
        return {"minLength": 36, "maxLength": 36}
    if isinstance(field, fields.Scalar):
        return {"type": ["string", "integer", "boolean", "null"], "maxLength": 2000}
    if isinstance(field, fields.Version):
        return {"type": ["integer", "string"], "minimum": 1, "maximum": 10**18 - 1, "pattern": field.pattern}
    if isinstance(field, fields.Many):
        return {"maxItems": field.most} | ({"uniqueItems": True} if field.names_ids else {})
    if isinstance(field, fields.Table):
        return {"maxProperties": 50, "propertyNames": {"minLength": 1, "maxLength": 50}}
    return {}


def _pattern(field: fields.Number) -> str:
    """The decimals that a field accepts: at most 18 digits before the point and 12 after it, of which only
    those below the bound and `decimals` count."""
    sign = "" if field.positive or field.not_negative else "-?"
    some = "(?=.*[1-9])" if field.positive else ""
    fraction = f"(\\.[0-9]{{1,{field.decimals}}}0{{0,{12 - field.decimals}}})?" if field.decimals else r"(\.0{1,12})?"
    counting = len(f"{field.below:f}") - 1
    whole = f"0{{0,{18 - counting}}}[0-9]{{1,{counting}}}{fraction}"
    if field.most is not None:  # a power of ten, such as 100 percent
        digits = len(f"{field.most:f}") - 1
        zeros = f"0{{0,{18 - digits - 1}}}1" + "0" * digits + r"(\.0{1,12})?"
        whole = f"({zeros}|0{{0,{18 - digits}}}[0-9]{{1,{digits}}}{fraction})"
    return f"^{some}{sign}{whole}$"


def _bounds(field: fields.Number) -> dict[str, int]:
    most = int(field.below) - 1 if field.most is None else int(field.most)
    return {"minimum": 1 if field.positive else 0 if field.not_negative else -most, "maximum": most}
