"""D5: the API document says all that the server takes and answers, and nothing that the run of the examples never showed."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest

from gateway.docs import examples, files, openapi
from gateway.http import contract
from shared import contracts
from shared.schema.derived import job_contract as jobs

DOCUMENT = openapi.document()
OPERATIONS = {d["operationId"]: d for item in DOCUMENT["paths"].values() for d in item.values()}
DECLARED = {
    o.id: o for ops in (contract.OPERATIONS, *contracts.operations().values(), jobs.PUBLIC) for o in ops.values()
}
RECORDED = examples.recorded()

OPEN = {
    "Problem": "has the members that its sentence names, too (RFC 9457, 3.2)",
}
"""Components in which more may stand than is documented → why."""


@dataclass(frozen=True)
class Member:
    """A member at a path; `owner` names it within its component, so that it counts wherever that is used.

    Below an `open` one anything may stand; an `expanded` one is there only if `expand` asks for it.
    """

    path: str
    owner: str
    open: bool
    expanded: bool


def members(schema: dict[str, Any], at: str, owner: str, above: tuple[str, ...] = ()) -> Iterator[Member]:
    """Everything that a schema documents. What `expand` puts in, and what holds itself, is not followed."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in above:
            yield from members(DOCUMENT["components"]["schemas"][name], at, name, (*above, name))
        return
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from members(one, at, owner, above)
    if "items" in schema:
        yield from members(schema["items"], f"{at}[]", owner, above)
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        path = f"{at}.{name}" if at else name
        expanded = f"{name}_id" in properties and "anyOf" in inner
        found = [] if expanded else list(members(inner, path, f"{owner}.{name}", above))
        yield Member(path, f"{owner}.{name}", expanded or _is_open(inner), expanded)
        yield from found


def _is_open(schema: dict[str, Any]) -> bool:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name in OPEN or not DOCUMENT["components"]["schemas"][name].get("properties")
    kinds = schema.get("type", "object" if not schema.get("anyOf") else "")
    return ("object" in kinds and not schema.get("properties")) or any(map(_is_open, schema.get("anyOf", ())))


def paths(value: Any, at: str = "") -> Iterator[str]:
    """The paths of all members of a JSON value: `lines[].product_id` is one of each object in the list `lines`."""
    if isinstance(value, list):
        for one in value:
            yield from paths(one, f"{at}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            path = f"{at}.{name}" if at else name
            yield path
            yield from paths(inner, path)


def of_request(operation: str) -> list[Member]:
    content = OPERATIONS[operation].get("requestBody", {}).get("content", {})
    schemas = (one["schema"] for kind, one in content.items() if "json" in kind)
    return [member for schema in schemas for member in members(schema, "", f"{operation} request")]


def of_answer(operation: str) -> list[Member]:
    answers = [a for status, a in OPERATIONS[operation]["responses"].items() if status < "300"]
    schemas = [c["schema"] for a in answers for kind, c in a.get("content", {}).items() if "json" in kind]
    return [member for schema in schemas for member in members(schema, "", f"{operation} answer")]


def undocumented(recorded: set[str], documented: list[Member]) -> set[str]:
    known = {member.path for member in documented}
    opened = tuple(f"{member.path}{sign}" for member in documented if member.open for sign in ".[")
    return {path for path in recorded if path not in known and not path.startswith(opened)}


@pytest.mark.parametrize("operation", sorted(RECORDED))
def test_everything_on_the_wire_is_documented(operation: str) -> None:
    example = RECORDED[operation]
    parameters = {p["name"] for p in OPERATIONS[operation]["parameters"] if p["in"] == "query"}
    assert {name for name in example.get("query", ()) if not name.startswith("custom.")} <= parameters
    assert not undocumented(set(paths(example.get("request"))), of_request(operation))
    assert not undocumented(set(paths(example.get("response"))), of_answer(operation))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_parameter_that_the_server_takes_is_documented(operation: str) -> None:
    """But for those that only the edge sends."""
    declared = DECLARED[operation]
    taken = {f.data_key or name for name, f in declared.parameters().fields.items()} if declared.parameters else set()
    inner = set(files.INNER) if files.takes_form(declared) or files.gives_table(declared) else set()
    assert taken - inner <= {p["name"] for p in OPERATIONS[operation]["parameters"] if p["in"] == "query"}


def unseen() -> set[str]:
    """Members of answers that are documented and that no recorded answer has, by component."""
    documented: set[str] = set()
    seen: set[str] = set()
    for operation, example in RECORDED.items():
        recorded = set(paths(example.get("response")))
        members_ = of_answer(operation)
        documented |= {member.owner for member in members_ if not member.expanded}
        seen |= {member.owner for member in members_ if member.path in recorded}
    return documented - seen


def test_every_documented_member_of_an_answer_occurs() -> None:
    assert {owner for owner in unseen() if not any(fnmatchcase(owner, pattern) for pattern in UNSEEN)} == set()


_FAILED = "the run is of what succeeds; refusals have tests of their own"
_QUEUES = "the suites of the tests give the gateway no right to make queues"
_OUTSIDE = "calls an address outside of this machine"
UNSEEN: dict[str, str] = {
    "* answer.total": "only with include_total",
    "*Detail.verbs": "only with with=verbs",
    "*BatchResult.problem": _FAILED,
    "Problem.*": _FAILED,
    "ProblemError.*": _FAILED,
    "Failure.*": _FAILED,
    "FirstBadEntry.*": "nobody has tampered with the ledger",
    "CreditLimitsBatchResult.*": "there is one limit per customer, and a batch of the same again is refused",
    "FiscalYearsBatchResult.*": "years adjoin, and a batch of the same again is refused",
    "PostalAddress.*": "the first company has no address",
    "Step.*": "the last order that is read is a draft",
    "TraceNode.*": "the last order that is read is a draft",
    "ParkedMessage.*": "the last reading comes after the replay",
    "EventSubscription.*": _QUEUES,
    "GatewayDelivery.*": _OUTSIDE,
}
"""Patterns of documented members that no example shows → why. It only ever gets shorter."""
