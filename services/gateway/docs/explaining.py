"""What a document says of members and parameters that no declaration describes: the meaning of their names."""

from typing import Any

from gateway.docs.said import Said, say
from shared.schema import Verb
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation
from shared.schema.glossary import meaning

OPERATORS = {
    "ne": "Is something else.",
    "in": "Is one of these, separated by commas; one with a comma stands in double quotes.",
    "is_null": "`true`: is null; `false`: is not.",
    "gt": "Is greater, or later.",
    "gte": "Is this, or greater, or later.",
    "lt": "Is less, or earlier.",
    "lte": "Is this, or less, or earlier.",
    "contains": "Contains this, whatever case and accents.",
    "starts": "Begins with this, whatever case and accents.",
}
"""What stands in square brackets behind the name of a filter."""


def of_operation(operation: Operation) -> Said:
    """What is needed to call it, from its declaration."""
    parts = [_permission(operation.permission)]
    if operation.all_companies:
        parts.append(say("Needs access to all companies."))
    if isinstance(operation, Verb) and operation.of:
        parts.append(say("Possible in the states {states}.", states=", ".join(f"`{state}`" for state in operation.of)))
    if operation.needs_version:
        parts.append(say("`If-Match` names the version that it is made to."))
    if operation.idempotency == "required":
        parts.append(say("An `Idempotency-Key` is required, so that a repetition has no second effect."))
    return Said(*(part for one in parts for part in one.parts))


def _permission(permission: str) -> Said:
    if permission == PUBLIC:
        return say("Needs no sign-in.")
    if permission == SIGNED_IN:
        return say("Needs a sign-in, and no permission.")
    return say("Needs the permission `{permission}`.", permission=permission)


def completed(value: Any) -> Any:
    """The same with every member and every parameter described."""
    if isinstance(value, list):
        return [completed(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _member(name, inner) for name, inner in value.items()}
    return _described(found["name"], found) if "in" in found and "name" in found else found


def _member(name: str, value: Any) -> Any:
    if name in ("example", "examples"):
        return value
    return _members(value) if name == "properties" else completed(value)


def _members(value: Any) -> Any:
    """The schemas of members, by their names."""
    if not isinstance(value, dict):
        return completed(value)
    return {n: _described(n, completed(s)) if isinstance(s, dict) else s for n, s in value.items()}


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    plain, _, operator = name.partition("[")
    text = OPERATORS.get(operator.removesuffix("]")) or meaning(plain.rpartition(".")[2])
    return ({"description": text} if text else {}) | schema
