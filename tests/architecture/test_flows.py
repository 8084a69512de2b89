"""Flow classes are lists of handlers: they inherit nothing, share nothing and do not call each other."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from pathlib import Path

import pytest

from shared import contracts
from shared.api.handlers import collect, service_class
from shared.schema.contract import Event, Operation
from tests.architecture.source import domain_files, flow_classes, short, tree

FLOWS = list(flow_classes())
OPERATIONS = [o for found in contracts.operations().values() for o in found.values()]
EVENTS = {e.__name__: e for e in contracts.events().values() if e.service in contracts.SERVICES}


def _name(flow: tuple[Path, ast.ClassDef]) -> str:
    return f"{short(flow[0])}:{flow[1].name}"


@pytest.mark.parametrize("flow", FLOWS, ids=_name)
def test_a_flow_inherits_nothing(flow: tuple[Path, ast.ClassDef]) -> None:
    assert not flow[1].bases and not flow[1].keywords


@pytest.mark.parametrize("flow", FLOWS, ids=_name)
def test_handlers_do_not_use_self(flow: tuple[Path, ast.ClassDef]) -> None:
    """What two handlers share is a function beside the class."""
    for method in flow[1].body:
        if isinstance(method, ast.FunctionDef):
            used = [n for n in ast.walk(method) if isinstance(n, ast.Name) and n.id == "self"]
            assert not used, f"{method.name} uses self"


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_a_service_is_a_list_of_flows(service: str) -> None:
    cls = service_class(service)
    own = {n for n, _ in inspect.getmembers(cls, inspect.isfunction) if n in vars(cls)}
    assert not own and cls.__doc__
    flows = [base for base in cls.__mro__[1:] if base is not object]
    assert all(base.__bases__ == (object,) for base in flows)


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_operations_and_handlers_are_one_to_one(service: str) -> None:
    handled = [h.operation for h in collect(service_class(service)) if h.operation]
    assert len(handled) == len(set(map(id, handled)))
    assert {o.name for o in handled if o} == set(contracts.operations()[service])
    assert all(o.service == service for o in handled if o)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.service}.{o.name}")
def test_an_operation_says_what_it_is_and_who_may(operation: Operation) -> None:
    area, _, verb = operation.permission.partition(":")
    assert area.count(".") == 1 and verb.isidentifier(), operation.permission
    assert len(operation.summary) > 5 and not operation.summary.endswith(".")
    assert operation.method in ("GET", "POST", "PATCH", "DELETE") and operation.path.startswith("/v1/")
    assert operation.idempotency in ("required", "accepted", "none")


def test_routes_are_unique() -> None:
    routes = [o.route for o in OPERATIONS if not o.everywhere]
    assert len(routes) == len(set(routes))


def test_handlers_match_the_kind_of_their_operation() -> None:
    for service in contracts.SERVICES:
        for handler in collect(service_class(service)):
            if handler.operation:
                assert (handler.kind == "query") == handler.operation.is_query, handler.name


def test_what_is_heard_is_declared_and_somebody_elses() -> None:
    for service in contracts.SERVICES:
        for handler in collect(service_class(service)):
            for event in handler.events:
                assert contracts.events()[event.full_type] is event
                assert event.service != service, f"{service}.{handler.name} hears its own {event.type}"


def test_copies_are_given_lists_and_publish_nothing() -> None:
    """Many events share their transaction, so nothing that it would publish has a cause."""
    for service in contracts.SERVICES:
        for handler in collect(service_class(service)):
            if handler.order == "latest":
                (hint,) = handler.arguments.values()
                assert typing.get_origin(hint) is list, handler.name
                code = ast.parse(textwrap.dedent(inspect.getsource(handler.function)))
                called = {getattr(node.func, "id", "") for node in ast.walk(code) if isinstance(node, ast.Call)}
                assert not called & {"publish", "current"}, handler.name


def test_what_a_handler_locks_is_named_by_all_its_events() -> None:
    """Events that wait together share a transaction in the order of these ids."""
    sharing = [h for service in contracts.SERVICES for h in collect(service_class(service)) if h.locks]
    assert sharing
    for handler in sharing:
        for event in handler.events:
            assert handler.locks in {field.name for field in dataclasses.fields(event)}, (handler.name, event.type)


def _made_in() -> dict[str, set[str]]:
    """Event class → services whose code makes instances of it."""
    found: dict[str, set[str]] = {name: set() for name in EVENTS}
    for path in domain_files():
        service = path.relative_to(Path(__file__).resolve().parents[2]).parts[1]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                made = node.func.value if getattr(node.func, "attr", "") == "of" else node.func  # type: ignore[attr-defined]
                called = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
                if called in found:
                    found[called].add(service)
    return found


def test_every_event_is_published_by_its_own_service_only() -> None:
    wrong = {name: sorted(made) for name, made in _made_in().items() if made - {EVENTS[name].service}}
    assert not wrong


def test_every_event_is_published_at_all() -> None:
    """Those that a resource declares are published by the machinery (tests/crm_contacts/test_teams.py)."""
    made = _made_in()
    mentioned = "".join(p.read_text(encoding="utf-8") for p in domain_files())
    declared = {e for s in contracts.SERVICES for r in contracts.resources(s).values() for e in vars(r).values()}
    left = [name for name, event in EVENTS.items() if event not in declared]
    assert not [name for name in left if not made[name] and f"{name}" not in mentioned]


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda e: e.type)
def test_an_event_says_who_may_be_told_and_when_it_is_sent(event: type[Event]) -> None:
    assert event.permission in {o.permission for o in OPERATIONS} and event.permission.endswith(":read")
    assert event.__doc__ and not event.__doc__.startswith(f"{event.__name__}(")  # the dataclass's own


def test_events_are_small() -> None:
    """More than a dozen fields is a table, not a fact."""
    assert not {name: n for name, e in EVENTS.items() if (n := len(dataclasses.fields(e))) > 14}
