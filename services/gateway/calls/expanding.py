"""`expand=customer,lines.product`: what a document refers to, put beside the ids, fetched in batches.

For each level there is one call per resource that is referred to (one more for every 200 ids). The caller needs the
permission to list that resource. What does not exist, or may not be seen, is null. When a service does not answer, the
member is null too and the header `X-Unresolved` names it: the document itself was found, and that is what was asked for.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gateway.calls.rpc import Reply
from gateway.errors import DeadlineExceeded, InvalidParameter, OutcomeUnknown, Overloaded, ServiceDown
from gateway.http.access import Principal, check
from shared.contracts import operations
from shared.schema.collection import Collection, collections_of
from shared.schema.contract import Operation
from shared.wire.fields import Schema
from shared.wire.references import Reference, references_of

DEEPEST = 2
MOST_IDS = 200
"""In one call: as many as a filter takes and a page holds."""

Fetch = Callable[[Operation, dict[str, str]], Awaitable[Reply]]
_Document = dict[str, Any]


@cache
def resources() -> dict[str, Collection]:
    """Every resource of every service by its name: `contacts`."""
    return {r.name: r for declared in operations().values() for r in collections_of(declared.values())}


@cache
def expandable(schema: type[Schema]) -> dict[str, tuple[Reference, ...]]:
    """What `expand` may name for a response: dotted name → the references that lead there."""
    found: dict[str, tuple[Reference, ...]] = {}
    for name, reference in references_of(schema).items():
        found[name] = (reference,)
        if not reference.container:
            for inner in references_of(_view(reference)).values():
                if not inner.container:
                    found[f"{name}.{inner.name}"] = (reference, inner)
    return found


def _view(reference: Reference) -> type[Schema]:
    listed = resources()[reference.resource].list
    assert listed is not None and listed.response is not None
    return listed.response


@dataclass(slots=True)
class _Node:
    """A reference to resolve, and what is to be resolved in what it leads to."""

    reference: Reference
    path: str
    inner: "dict[str, _Node]" = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """A checked `expand`. `hidden` are members that are needed for it, but that `fields` did not ask for."""

    nodes: dict[str, _Node]
    hidden: frozenset[str]

    async def carry_out(self, result: Any, is_list: bool, fetch: Fetch) -> list[str]:
        """Put the referred resources into the documents of a result. Returns the names that stayed unresolved."""
        documents: list[_Document] = result["data"] if is_list else [result]
        level = [(node, _holders(documents, node.reference)) for node in self.nodes.values()]
        unresolved: list[str] = []
        while level:
            unresolved += await _resolve(level, fetch)
            level = [
                (inner, [h[node.reference.expanded] for h in holders if h.get(node.reference.expanded)])
                for node, holders in level
                for inner in node.inner.values()
            ]
        for document in documents:
            for name in self.hidden:
                document.pop(name, None)
        return unresolved


def plan(operation: Operation, query: dict[str, str | list[str]], principal: Principal | None) -> Plan | None:
    """Take `expand` out of the query, and add to `fields` what it needs. Raises InvalidParameter, NotAllowed."""
    raw = query.pop("expand", None)
    if raw is None:
        return None
    known = expandable(operation.response) if operation.is_sparse and operation.response else {}
    names = raw.split(",") if isinstance(raw, str) else [""]
    if unknown := [name for name in names if name not in known]:
        errors = [{"pointer": "?expand", "code": "unknown_expand"}]
        raise InvalidParameter(errors, unknown=unknown[:20], allowed=sorted(known))
    nodes: dict[str, _Node] = {}
    for name in names:
        _add(nodes, known[name], principal)
    return Plan(nodes, _needed(query, nodes))


def _add(nodes: dict[str, _Node], steps: tuple[Reference, ...], principal: Principal | None) -> None:
    path: list[str] = []
    for reference in steps:
        listed = resources()[reference.resource].list
        assert listed is not None
        check(listed, principal)
        path.append(reference.name)
        nodes = nodes.setdefault(reference.name, _Node(reference, ".".join(path))).inner


def _needed(query: dict[str, str | list[str]], nodes: dict[str, _Node]) -> frozenset[str]:
    """Ask for the ids too when only some members are asked for; they are taken out of the answer again."""
    asked = query.get("fields")
    if not isinstance(asked, str):
        return frozenset()
    names = asked.split(",")
    members = {node.reference.container or node.reference.member for node in nodes.values()}
    query["fields"] = ",".join([*names, *sorted(members - set(names))])
    return frozenset(
        node.reference.member
        for node in nodes.values()
        if not node.reference.container and node.reference.member not in names
    )


def _holders(documents: list[_Document], reference: Reference) -> list[_Document]:
    """The objects in which the reference stands."""
    if not reference.container:
        return documents
    found: list[_Document] = []
    for document in documents:
        inner = document.get(reference.container) or []
        found += inner if isinstance(inner, list) else [inner]
    return found


async def _resolve(level: list[tuple[_Node, list[_Document]]], fetch: Fetch) -> list[str]:
    """One level: collect the ids of each resource, fetch them, put them in place."""
    wanted: dict[str, dict[str, None]] = {}
    for node, holders in level:
        ids = wanted.setdefault(node.reference.resource, {})
        ids |= {holder[node.reference.member]: None for holder in holders if holder.get(node.reference.member)}
    found = dict(
        zip(wanted, await asyncio.gather(*(_fetched(n, list(i), fetch) for n, i in wanted.items())), strict=True)
    )
    unresolved = []
    for node, holders in level:
        known = found[node.reference.resource]
        if known is None:
            unresolved.append(node.path)
        for holder in holders:
            one = (known or {}).get(str(holder.get(node.reference.member)))
            holder[node.reference.expanded] = dict(one) if one else None
    return unresolved


async def _fetched(name: str, ids: list[str], fetch: Fetch) -> dict[str, _Document] | None:
    """The resources with these ids, by id; None when not all of them could be asked for."""
    listed = resources()[name].list
    assert listed is not None
    try:
        replies = await asyncio.gather(
            *(fetch(listed, {"id[in]": ",".join(some), "limit": str(MOST_IDS)}) for some in _chunks(ids))
        )
    except (ServiceDown, Overloaded, OutcomeUnknown, DeadlineExceeded):
        return None
    if not all(isinstance(reply.headers.get("liaison.status"), int) for reply in replies):
        return None
    return {one["id"]: one for reply in replies for one in json.loads(reply.body)["result"]["data"]}


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), MOST_IDS):
        yield ids[start : start + MOST_IDS]
