"""What crosses once and is remembered nowhere: passwords, tokens and keys in a body or an answer."""

from functools import cache
from typing import Any

from shared.wire.fields import Schema, Secret


@cache
def secrets_of(schema: type[Schema]) -> frozenset[str]:
    """The members of a schema that are secrets."""
    return frozenset(name for name, known in schema().fields.items() if isinstance(known, Secret))


def without_secrets(schema: type[Schema] | None, value: Any) -> Any:
    """A body or result without the members that its schema calls secrets."""
    if schema is None or not isinstance(value, dict):
        return value
    secrets = secrets_of(schema)
    return {name: content for name, content in value.items() if name not in secrets} if secrets else value
