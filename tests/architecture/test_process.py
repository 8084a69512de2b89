"""Flow files speak of the business, and one learns from them who answers."""

import ast
import re
from pathlib import Path

import pytest

from shared import contracts
from shared.api.handlers import collect, service_class
from shared.process.frame import Process
from shared.schema.steps import PROCESSES, Steps
from tests.architecture.source import ROOT, files, is_flow, short, tree

SALES = ROOT / "services" / "crm_sales"
FLOWS = [SALES / "ordering.py", SALES / "cancelling.py"]
_LINE = re.compile(r"^ {4}(\w*) +(\w+) (\w+\.\w+)(?: → ([\w, ]+))?$", re.MULTILINE)


def words(path: Path) -> set[str]:
    """What a flow file says that is not of the business: names from outside its service, the frame, what is of every frame.

    The facts that a process of the service notes (`note_invoice`) are of the business, as contracts and models are.
    """
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("shared.contracts"):
            outside = node.module.partition(".")[0] != path.parent.name and node.module not in ("shared", "typing")
            found |= {alias.name for alias in node.names if outside or alias.name.endswith("Process")}
        elif isinstance(node, ast.Attribute) and hasattr(Process, node.attr):
            found.add(node.attr)
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "process":
            found |= {node.attr} & {"session", "aggregate", "now"}
    return found


@pytest.mark.parametrize("path", FLOWS, ids=short)
def test_a_flow_file_uses_few_words_of_the_machinery(path: Path) -> None:
    assert len(found := words(path)) <= 13, sorted(found)


def _own() -> dict[str, Steps]:
    """The process of each service that has one; others are of tests."""
    contracts.operations()
    owners = {contracts.owner_of(path.rpartition("/")[2]): steps for path, steps in PROCESSES.items()}
    return {service: steps for service, steps in owners.items() if service}


OWN = _own()


def _handlers(owner: str, one: str) -> set[tuple[str, str, str]]:
    """(event, service, class and method) of everything in other services that acts on a document; copies only note it."""
    events = {e for e in contracts.events().values() if (e.service, e.aggregate) == (owner, one)}
    return {
        (event.__name__, service, handler.function.__qualname__)
        for service in contracts.SERVICES
        for handler in collect(service_class(service))
        if handler.kind == "event" and handler.order == "any"
        for event in events & set(handler.events)
    }


def _named(owner: str) -> list[tuple[str, str, str, str]]:
    """The lines of the tables in a service's flow files; an event that is left out is that of the line above."""
    found, event = [], ""
    for path in filter(is_flow, files(f"services/{owner}")):
        for named, service, handler, answers in _LINE.findall(ast.get_docstring(tree(path), clean=False) or ""):
            event = named or event
            found.append((event, service, handler, answers))
    return found


@pytest.mark.parametrize("owner", OWN)
def test_flow_files_name_who_handles_what_a_process_publishes(owner: str) -> None:
    """A reader of ordering.py finds the handlers in the other services by their names."""
    named = sorted(row[:3] for row in _named(owner))
    assert named and named == sorted(_handlers(owner, OWN[owner].one))


@pytest.mark.parametrize("owner", OWN)
def test_what_others_publish_in_turn_is_theirs(owner: str) -> None:
    events = {event.__name__: event for event in contracts.events().values()}
    answers = [
        (service, answer) for _, service, _, several in _named(owner) for answer in several.split(", ") if answer
    ]
    assert len(answers) > 4
    assert not [(service, answer) for service, answer in answers if events[answer].service != service]


@pytest.mark.parametrize("owner", OWN)
def test_steps_wait_for_events_that_there_are_and_that_their_service_handles(owner: str) -> None:
    types = {event.type: event for event in contracts.events().values()}
    handled = {e for h in collect(service_class(owner)) if h.kind == "event" for e in h.events}
    assert {types[name] for name in OWN[owner].events()} <= handled
