"""What holds for every resource, of whichever service."""

from collections.abc import Iterator

import pytest

from shared import contracts
from shared.api.handlers import Handler, collect, service_class
from shared.api.operations import load
from shared.flows.custom_copies import CustomFieldCopies
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from shared.schema.collection import collections_of
from shared.schema.contract import Operation
from shared.storage import custom
from shared.wire import fields
from shared.wire.fields import Many, Part, Schema, Uuid
from shared.wire.references import references_of

OPERATIONS = [o for found in contracts.operations().values() for o in found.values()]
RESOURCES = {r.name: r for found in contracts.operations().values() for r in collections_of(found.values())}
DECLARED = [o for o in OPERATIONS if not o.derived]
SPARSE = [o for o in OPERATIONS if o.is_sparse]


def test_every_resource_that_can_be_created_can_be_so_in_batches_and_has_a_history() -> None:
    """But for those that come with a secret: a remembered answer to a batch would hold them all."""
    routes = {o.route for o in OPERATIONS}
    for resource in RESOURCES.values():
        assert f"GET {resource.path}/{{id}}/history" in routes
        assert (f"POST {resource.path}/batch" in routes) == (
            resource.create is not None and not resource.comes_with_secret
        )


def test_what_has_secrets_is_not_imported() -> None:
    """A10: a file is kept as it came, so no schema that is filled from one has a secret, nor shows one."""
    imported = [o for o in OPERATIONS if o.derived == "import" and o.collection and o.collection.create]
    for schema in [s for o in imported for s in (o.collection.create.request, o.collection.create.response)]:  # type: ignore[union-attr]
        assert not [n for n, f in schema().fields.items() if isinstance(f, fields.Secret)], schema  # type: ignore[misc]
    assert {"users", "webhooks", "api-keys", "event-subscriptions"} <= set(RESOURCES)
    assert not {"users", "webhooks", "api-keys", "event-subscriptions"} & {o.collection.name for o in imported}  # type: ignore[union-attr]


def test_names_of_resources_are_unique() -> None:
    assert len(RESOURCES) == sum(len(collections_of(found.values())) for found in contracts.operations().values())


@pytest.mark.parametrize("operation", SPARSE, ids=lambda o: f"{o.service}.{o.name}")
def test_what_a_response_refers_to_exists_and_is_not_in_its_way(operation: Operation) -> None:
    assert operation.response is not None
    for reference in references_of(operation.response).values():
        assert reference.resource in RESOURCES, f"{reference.name} refers to {reference.resource}"
        if not reference.container:
            assert reference.expanded not in operation.response().dump_fields


@pytest.mark.parametrize("operation", SPARSE, ids=lambda o: f"{o.service}.{o.name}")
def test_members_of_sparse_answers_are_not_promised(operation: Operation) -> None:
    assert operation.response is not None
    assert not [name for name, field in operation.response().dump_fields.items() if field.required]


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda r: r.name)
def test_custom_goes_in_and_out(resource: object) -> None:
    found = [o for o in (resource.create, resource.patch) if o]  # type: ignore[attr-defined]
    shows = custom.declares(resource.get.response)  # type: ignore[attr-defined]
    assert all(custom.declares(o.request) == shows for o in found)


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_services_with_custom_fields_know_their_definitions(service: str) -> None:
    declares = any(custom.declares(o.request) for o in contracts.operations()[service].values())
    cls = service_class(service)
    owns = any(h.name == "create_custom_field" for h in collect(cls))
    assert declares == (issubclass(cls, CustomFieldCopies) or owns)


def _lists(schema: type[Schema], at: str = "") -> Iterator[tuple[str, Many, type[Schema]]]:
    """Every list of parts in a request, with its place."""
    for name, field in schema().fields.items():
        inner = field.inner if isinstance(field, Many) else field
        if isinstance(inner, Part):
            part = type(inner.schema)
            if isinstance(field, Many):
                yield f"{at}/{name}", field, part
            yield from _lists(part, f"{at}/{name}")


REQUESTS = {o.request for o in OPERATIONS if o.request is not None}
LISTS = {(schema.__name__ + at): (field, part) for schema in REQUESTS for at, field, part in _lists(schema)}


@pytest.mark.parametrize("place", sorted(LISTS))
def test_a_list_whose_parts_name_something_says_that_they_name_it_once(place: str) -> None:
    """C2: otherwise each handler decides anew whether two mean the sum, the last, or an error.

    The operations of a batch are carried out one after the other, so there it means what it says.
    """
    field, part = LISTS[place]
    names = [n for n, known in part().fields.items() if isinstance(known, Uuid) and (known.required or n == "id")]
    if names and not place.endswith("/operations"):
        assert field.unique in names


def test_what_is_named_twice_is_refused_at_the_second_place() -> None:
    """C2: parts, ids, and parts that need not name anything."""

    class Line(Schema):
        line_id = fields.Uuid()

    class Request(Schema):
        lines = Many(Part(Line), unique="line_id")
        ids = Many(Uuid())

    one, other = str(new_id()), str(new_id())
    lines = [{"line_id": one}, {}, {"line_id": other}, {}, {"line_id": one.upper()}]
    with pytest.raises(Invalid) as refused:
        load(Request, {"lines": lines, "ids": [one, other, other]})
    assert refused.value.errors == [
        {"pointer": "/lines/4/line_id", "code": "duplicate"},
        {"pointer": "/ids/2", "code": "duplicate"},
    ]


COPIES = [
    (service, handler)
    for service in contracts.SERVICES
    for handler in collect(service_class(service))
    if handler.kind == "event" and handler.order == "latest"
]


@pytest.mark.parametrize(("service", "copy"), COPIES, ids=lambda value: getattr(value, "name", value))
def test_whoever_keeps_copies_hears_of_the_end_of_what_is_copied(service: str, copy: Handler) -> None:
    """D8: an aggregate that can be deleted or archived leaves no copy behind that does not know it."""
    copied = {(event.service, event.aggregate) for event in copy.events}
    ends = {
        event
        for event in contracts.events().values()
        if (event.service, event.aggregate) in copied and event.type.rpartition(".")[2] in ("deleted", "archived")
    }
    assert ends <= set(copy.events)


def test_what_is_archived_can_be_taken_back() -> None:
    """D4: each `archive` has its `unarchive`, for whoever may archive."""
    routes = {o.route: o for o in DECLARED}
    archiving = [o for o in DECLARED if o.route.endswith("/archive")]
    assert archiving
    for operation in archiving:
        back = routes[operation.route.removesuffix("archive") + "unarchive"]
        assert (back.permission, back.response) == (operation.permission, operation.response), operation.route


@pytest.mark.parametrize("flag", ["active", "blocked"])
def test_what_is_taken_out_of_use_by_a_flag_comes_back_by_it(flag: str) -> None:
    """D4: products, places, users, webhooks and accounts are not archived: their flag is set both ways by a change."""
    shown = {o.path for o in DECLARED if o.method == "GET" and o.response and flag in o.response().dump_fields}
    single = {path for path in shown if path.endswith("{id}")}
    changed = {o.path for o in DECLARED if o.method == "PATCH" and o.request and flag in o.request().load_fields}
    assert single and single <= changed
