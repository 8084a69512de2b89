"""What changed between two API documents, and whether those who use the old one would notice.

A document is OpenAPI, AsyncAPI or a bundle of JSON Schemas. The rules follow from who writes and who reads: what clients
send may only become freer, what they receive may only become more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["sent", "received"]

_UPPER = ("maxLength", "maxItems", "maximum", "maxProperties")
_LOWER = ("minLength", "minItems", "minimum", "minProperties")
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, order=True)
class Change:
    """One difference: `where` is a path of names, `what` says it in words."""

    where: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """All differences between two documents of one kind, in order."""
    differ = _Differ(old, new)
    kind = "openapi" if "paths" in old else "asyncapi" if "channels" in old else "events"
    return sorted(set(getattr(differ, kind)()))


class _Differ:
    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = old, new
        self._under_way: set[tuple[str, str, str]] = set()

    # -- documents ----------------------------------------------------------------------------------------------------

    def openapi(self) -> Iterator[Change]:
        before, after = _operations(self.old), _operations(self.new)
        yield from _names("", before, after, "operation")
        for name in before.keys() & after.keys():
            yield from self._operation(name, before[name], after[name])

    def events(self) -> Iterator[Change]:
        """A bundle {event type: JSON Schema}."""
        yield from _names("", self.old, self.new, "event")
        for name in self.old.keys() & self.new.keys():
            yield from self._schema(name, self.old[name], self.new[name], "received")

    def asyncapi(self) -> Iterator[Change]:
        """Channels by address, their messages by name; whoever subscribes reads them."""
        before, after = _channels(self.old), _channels(self.new)
        yield from _names("", before, after, "channel")
        for name in before.keys() & after.keys():
            old, new = self._messages(self.old, before[name]), self._messages(self.new, after[name])
            yield from _names(name, old, new, "message")
            for message in old.keys() & new.keys():
                payloads = (_at(one, "payload") for one in (old[message], new[message]))
                yield from self._schema(f"{name} {message}", *payloads, "received")

    # -- operations ---------------------------------------------------------------------------------------------------

    def _operation(self, name: str, old: Any, new: Any) -> Iterator[Change]:
        if old.get("operationId") != new.get("operationId"):
            yield Change(name, f"operationId {old.get('operationId')} became {new.get('operationId')}", True)
        if old.get("x-permission") != new.get("x-permission"):
            yield Change(name, f"permission {old.get('x-permission')} became {new.get('x-permission')}", True)
        yield from self._parameters(name, _parameters(old), _parameters(new))
        yield from self._request(name, old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(name, old["responses"], new["responses"])

    def _parameters(self, at: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for name in old.keys() | new.keys():
            where = f"{at} {name}"
            if name not in new:
                yield Change(where, "parameter removed", True)
            elif name not in old:
                yield Change(where, "parameter added", bool(new[name].get("required")))
            else:
                if new[name].get("required") and not old[name].get("required"):
                    yield Change(where, "parameter became required", True)
                yield from self._schema(where, old[name].get("schema", {}), new[name].get("schema", {}), "sent")

    def _request(self, at: str, old: Any, new: Any) -> Iterator[Change]:
        if old is None or new is None:
            if old is not new:
                needed = new is None or new.get("required", False)
                yield Change(f"{at} body", "request body " + ("removed" if new is None else "added"), needed)
            return
        if new.get("required") and not old.get("required"):
            yield Change(f"{at} body", "request body became required", True)
        yield from self._content(f"{at} body", old["content"], new["content"], "sent")

    def _responses(self, at: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
        for status in old.keys() | new.keys():
            where = f"{at} {status}"
            if status not in new:
                yield Change(where, "status removed", True)
            elif status not in old:
                yield Change(where, "status added", status.startswith("3"))
            else:
                one, other = self._resolved(self.old, old[status]), self._resolved(self.new, new[status])
                yield from _names(where, one.get("headers", {}), other.get("headers", {}), "header")
                yield from self._content(where, one.get("content", {}), other.get("content", {}), "received")

    def _content(self, at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
        yield from _names(at, old, new, "content type")
        for media_type in old.keys() & new.keys():
            yield from self._schema(at, old[media_type].get("schema", {}), new[media_type].get("schema", {}), direction)

    # -- schemas ------------------------------------------------------------------------------------------------------

    def _schema(self, at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
        references = (str(old.get("$ref", "")), str(new.get("$ref", "")), direction)
        if references[0] and references in self._under_way:
            return  # a schema inside itself
        self._under_way.add(references)
        old, new = self._resolved(self.old, old), self._resolved(self.new, new)
        yield from _types(at, old, new, direction)
        yield from _values(at, old, new, direction)
        yield from _limits(at, old, new, direction)
        yield from self._members(at, old, new, direction)
        for inner in ("items", "additionalProperties"):
            if isinstance(old.get(inner), dict) and isinstance(new.get(inner), dict):
                yield from self._schema(f"{at}[]", old[inner], new[inner], direction)
        closed = new.get("additionalProperties") is False and old.get("additionalProperties") is not False
        if closed and direction == "sent" and old.get("type") == "object":
            yield Change(at, "unknown members are refused now", True)
        self._under_way.discard(references)

    def _members(self, at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed = set(new.get("required", ())) - set(old.get("required", ()))
        promised = set(old.get("required", ())) - set(new.get("required", ()))
        for name in before.keys() | after.keys():
            where = f"{at}.{name}"
            if name not in after:
                yield Change(where, "field removed", True)
            elif name not in before:
                yield Change(where, "field added", direction == "sent" and name in needed)
            else:
                if name in needed:
                    yield Change(where, "field became required", direction == "sent")
                if name in promised:
                    yield Change(where, "field may be left out now", direction == "received")
                yield from self._schema(where, before[name], after[name], direction)

    def _messages(self, document: dict[str, Any], channel: Any) -> dict[str, Any]:
        return {name: self._resolved(document, one) for name, one in channel.get("messages", {}).items()}

    def _resolved(self, document: dict[str, Any], value: Any) -> Any:
        """What a reference stands for; a wrapper with one alternative is that alternative."""
        while isinstance(value, dict):
            if "$ref" in value:
                value = _pointed(document, value["$ref"])
            elif len(value.get("allOf", ())) == 1:
                value = value["allOf"][0] | {name: inner for name, inner in value.items() if name != "allOf"}
            else:
                break
        return value


def _operations(document: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def _channels(document: dict[str, Any]) -> dict[str, Any]:
    return {str(channel.get("address", name)): channel for name, channel in document["channels"].items()}


def _parameters(operation: Any) -> dict[str, Any]:
    return {f"{p['in']} {p['name']}": p for p in operation.get("parameters", ())}


def _at(value: Any, name: str) -> Any:
    found = value.get(name, {})
    return found.get("schema", found) if "schemaFormat" in found else found


def _pointed(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def _names(at: str, old: Any, new: Any, kind: str) -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield Change(f"{at} {name}".strip(), f"{kind} removed", True)
    for name in new.keys() - old.keys():
        yield Change(f"{at} {name}".strip(), f"{kind} added", False)


def _types(at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
    before, after = _type_set(old), _type_set(new)
    if before == after:
        return
    lost, gained = before - after, after - before
    breaking = bool(lost) if direction == "sent" else bool(gained)
    yield Change(at, f"type {_shown(before)} became {_shown(after)}", breaking or not before or not after)


def _type_set(schema: Any) -> set[str]:
    declared = schema.get("type", ())
    types = {declared} if isinstance(declared, str) else set(declared)
    return {f"{one} {schema['format']}" if one == "string" and "format" in schema else one for one in types}


def _values(at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
    before, after = _enumerated(old), _enumerated(new)
    if before == after:
        return
    if before is None or after is None:
        closed = before is None
        yield Change(
            at, "values are enumerated now" if closed else "values are open now", closed == (direction == "sent")
        )
        return
    for value in sorted(before - after):
        yield Change(at, f"value {value} removed", True)
    for value in sorted(after - before):
        yield Change(at, f"value {value} added", False)


def _enumerated(schema: Any) -> set[str] | None:
    return {str(value) for value in schema["enum"]} if "enum" in schema else None


_SORT = re.compile(r"\^-\?\(([\w|]+)\)\(,-\?\(\1\)\)\*\$")
"""How the parameter `sort` says by which names a list is sorted."""


def _more_sorts(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a list is sorted by all the names as before, and by others too."""
    before, after = (_SORT.fullmatch(schema.get("pattern") or "") for schema in (old, new))
    return bool(before and after) and set(before[1].split("|")) <= set(after[1].split("|"))  # type: ignore[index]


def _limits(at: str, old: Any, new: Any, direction: Direction) -> Iterator[Change]:
    for names, tighter in ((_UPPER, lambda a, b: b < a), (_LOWER, lambda a, b: b > a)):
        for name in names:
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            narrowed = before is None or (after is not None and tighter(before, after))
            yield Change(at, f"{name} {before} became {after}", direction == "sent" and narrowed)
    if old.get("pattern") != new.get("pattern"):
        narrowed = direction == "sent" and new.get("pattern") is not None and not _more_sorts(old, new)
        yield Change(at, f"pattern {old.get('pattern')} became {new.get('pattern')}", narrowed)


def _shown(types: set[str]) -> str:
    return " | ".join(sorted(types)) or "anything"
