"""What follows from the declaration of a resource, and what a declaration is refused for."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import marshmallow as ma
import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.api.operations import load
from shared.kernel.refusals import Conflict, Invalid, InvalidTransition
from shared.schema import (
    Amount,
    Choice,
    Currency,
    Flag,
    Group,
    Line,
    Lines,
    Many,
    Quantity,
    Refers,
    Resource,
    Secret,
    State,
    Tags,
    Text,
    Verb,
    Whole,
)
from shared.schema.resource import RESOURCES
from shared.storage.database import Aggregate, Conventions, Row, new_metadata
from shared.storage.declared_models import MODELS


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Declarations of tests belong to no service."""
    known, models = dict(RESOURCES), dict(MODELS)
    yield
    RESOURCES.clear()
    RESOURCES.update(known)
    MODELS.clear()
    MODELS.update(models)


class Part(Group):
    """A part of a lamp."""

    name = Text(20, required=True)
    quantity = Quantity(positive=True, default=Decimal(1))


def lamp() -> type[Resource]:
    class Lamp(Resource, path="/v1/desk-lamps", permission="toy.lamps", label="name", default_sort="name"):
        """A lamp that stands on a desk."""

        name = Text(
            40, "Engraved on its foot.", required=True, unique=True, filter=True, sort=True, search=True, index=True
        )
        colour = Choice(("red", "blue"), default="red", filter=True)
        price = Amount(not_negative=True, null=True, filter=True, sort=True, index=True)
        shop_id = Refers("shops", create_only=True, null=True)
        parts = Lines(Part, once="name", most=10, kept=True, default=list)
        tags = Tags(index=True)
        key = Secret(100, null=True)
        warnings = Many(Text(), on_write=True)
        status = State(off="Off", on="On", start="off", tones={"on": "success"})
        light = Verb("Light it: it shines", of=("off",), to="on", idempotency="required")
        sell = Verb("Sell it")

    return Lamp


def test_operations_have_the_names_routes_and_permissions_of_all_others() -> None:
    found = [(o.name, o.route, o.permission, o.status) for o in lamp().declaration.operations()]
    assert found == [
        ("create_lamp", "POST /v1/desk-lamps", "toy.lamps:write", 201),
        ("get_lamp", "GET /v1/desk-lamps/{id}", "toy.lamps:read", 200),
        ("list_desk_lamps", "GET /v1/desk-lamps", "toy.lamps:read", 200),
        ("update_lamp", "PATCH /v1/desk-lamps/{id}", "toy.lamps:write", 200),
        ("delete_lamp", "DELETE /v1/desk-lamps/{id}", "toy.lamps:write", 200),
        ("light_lamp", "POST /v1/desk-lamps/{id}/light", "toy.lamps:write", 200),
        ("sell_lamp", "POST /v1/desk-lamps/{id}/sell", "toy.lamps:write", 200),
    ]


def test_only_the_operations_that_a_resource_names_exist() -> None:
    class Colour(Resource, path="/v1/colours", permission="toy.colours", operations=("get", "list")):
        """A colour."""

        name = Text(sort=True, null=True)

    assert [o.name for o in Colour.declaration.operations()] == ["get_colour", "list_colours"]
    assert not hasattr(Colour, "create")


def test_each_schema_has_the_members_that_its_direction_allows() -> None:
    found = lamp()
    sent = ["colour", "key", "name", "parts", "price", "shop_id", "tags"]
    shown = [
        "colour",
        "created_at",
        "id",
        "name",
        "parts",
        "price",
        "shop_id",
        "status",
        "tags",
        "updated_at",
        "version",
    ]

    def names(schema: Any) -> list[str]:
        return sorted(schema().fields)

    assert names(found.create.request) == sorted([*sent, "id"])
    assert names(found.update.request) == sorted(set(sent) - {"shop_id"})
    assert names(found.list.response) == shown
    assert names(found.get.response) == sorted([*shown, "verbs"])
    assert names(found.create.response) == names(found.update.response) == sorted([*shown, "warnings"])


def test_a_creation_takes_limits_and_defaults_from_the_declaration() -> None:
    request = lamp().create.request
    assert load(request, {"name": "Aurore"}) == {"name": "Aurore", "colour": "red", "parts": [], "tags": []}
    with pytest.raises(Invalid) as refused:
        load(request, {"name": "", "price": "-1", "colour": "pink", "parts": [{"quantity": "0"}], "status": "on"})
    assert {(e["pointer"], e["code"]) for e in refused.value.errors} == {
        ("/name", "too_short"),
        ("/price", "negative"),
        ("/colour", "invalid_choice"),
        ("/parts/0/name", "required"),
        ("/parts/0/quantity", "not_positive"),
        ("/status", "unknown_field"),
    }


def test_a_list_filters_by_the_bare_type_and_not_by_the_limits_of_the_field() -> None:
    listing = lamp().list.listing
    assert listing is not None
    assert set(listing.filters) == {"name", "colour", "price", "status", "shop_id", "tags", "created_at", "updated_at"}
    assert listing.filters["price"].deserialize("-1") == Decimal(-1)
    assert listing.filters["name"].deserialize("") == ""
    assert (listing.sorts, listing.default_sort, listing.search) == (
        ("name", "price", "created_at", "updated_at"), "name", ("name",)
    )  # fmt: skip


def test_every_member_has_a_name_and_a_description() -> None:
    for operation in lamp().declaration.operations():
        for schema in filter(None, (operation.request, operation.response)):
            for name, field in schema().fields.items():
                assert field.metadata["title"] and field.metadata["description"], name


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": Text}, "name is the class Text; write Text"),
        ({"size": Whole(requierd=True)}, "size has the unknown option 'requierd'"),  # type: ignore[call-arg]
        ({"tags": Tags(sort=True)}, "tags is a Tags, by which nothing is sorted"),
        ({"size": Whole(search=True)}, "size is a Whole, in which nothing is searched"),
        ({"size": Whole(required=True, default=1)}, "size is required, so clients send it"),
        ({"create": Text()}, "create has a name that every declaration uses"),
        ({"version": Whole()}, "version has a name that every declaration uses"),
        ({"light": Verb("Light it", of=("off",))}, "light names the unknown state 'off'; there are none"),
        ({"size": Whole()}, "size has no value where a creation leaves it out"),
        (
            {"status": State(off="Off", start="off"), "light": Verb("Light it", to="on")},
            "light names the unknown state 'on'; there are off",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_class_and_field(body: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=rf"{__name__}\.Wrong\.{told}"):
        type("Wrong", (Resource,), {**body, "__module__": __name__}, path="/v1/wrong", permission="toy.wrong")


@pytest.mark.parametrize("settings", [{"label": "title"}, {"columns": ("title",)}])
def test_labels_and_columns_are_fields(settings: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="title is no field"):
        type("Wrong", (Resource,), {"__module__": __name__}, path="/v1/wrong", permission="toy.wrong", **settings)


def test_a_reference_leads_to_a_resource() -> None:
    from shared.schema import checks

    with pytest.raises(TypeError, match=r"Lamp\.shop_id refers to 'shops', which is no resource"):
        checks.reference(lamp(), "shop_id", "shops", {"contacts": "crm_contacts"})


def model(of: type[Resource], **annotations: Any) -> Any:
    class Fresh(Conventions, DeclarativeBase):
        metadata = new_metadata()

    return type("Lamp", (Aggregate, Fresh), {"__annotations__": annotations, "__module__": __name__}, of=of)


def ball() -> type[Resource]:
    class Ball(Resource, path="/v1/balls", permission="toy.balls", unique=(("size", "round"),)):
        """A ball."""

        name = Text(10, required=True, unique=True, filter=True, sort=True, index=True)
        size = Whole(least=1, most=9, null=True, sort=True, index=True)
        round = Flag(default=True)

    return Ball


def test_constraints_and_indexes_of_a_model_come_from_its_declaration() -> None:
    table = model(ball(), name=Mapped[str], size=Mapped[int | None], round=Mapped[bool]).__table__
    written = str(CreateTable(table))
    for constraint in (
        "CONSTRAINT ck_ball_name CHECK (length(name) BETWEEN 1 AND 10)",
        "CONSTRAINT ck_ball_size CHECK (size BETWEEN 1 AND 9)",
        "CONSTRAINT uq_ball_name UNIQUE (name)",
        "CONSTRAINT uq_ball_size_round UNIQUE (size, round)",
    ):
        assert constraint in written
    assert {i.name for i in table.indexes} == {
        "ix_ball_created_at", "ix_ball_name_trgm", "ix_ball_name_folded", "ix_ball_size"
    }  # fmt: skip
    folded = next(i for i in table.indexes if i.name == "ix_ball_name_folded")
    assert 'folded(name) COLLATE "C"' in str(CreateIndex(folded))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"size": Mapped[int | None], "round": Mapped[bool]}, "name is declared, and no column"),
        ({"name": Mapped[int], "size": Mapped[int | None], "round": Mapped[bool]}, "name is int, declared as str"),
        ({"name": Mapped[str], "size": Mapped[int], "round": Mapped[bool]}, "size may be null by its declaration"),
        ({"name": Mapped[str | None], "size": Mapped[int | None], "round": Mapped[bool]}, "name may be null, which"),
    ],
)
def test_a_model_that_differs_from_its_declaration_is_refused(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=rf"{__name__}\.Lamp\.{told}"):
        model(ball(), **columns)


def test_a_model_allows_the_verbs_that_its_state_is_declared_for() -> None:
    class Switch(Resource, path="/v1/switches", permission="toy.switches"):
        """A switch."""

        status = State(off="Off", on="On", start="off")
        light = Verb("Light it", of=("off",), to="on")
        darken = Verb("Darken it", of=("on",), to="off")
        clean = Verb("Clean it")

    lit = model(Switch, status=Mapped[str])(status="on")
    assert lit.allowed == ["darken", "clean"]
    lit.allow("darken")
    with pytest.raises(InvalidTransition) as refused:
        lit.allow("light")
    assert refused.value.details == {"state": "on", "allowed": ["darken", "clean"]}


def test_what_a_creation_leaves_out_is_known_before_the_database_is_asked() -> None:
    """Else showing the new record would read it again. A secret is kept in a table of its own."""
    assert lamp().declaration.initial() == {
        "colour": "red", "price": None, "shop_id": None, "parts": [], "tags": [], "status": "off"
    }  # fmt: skip


def test_a_schema_is_an_ordinary_marshmallow_schema() -> None:
    assert issubclass(lamp().create.request, ma.Schema)  # type: ignore[arg-type]


class BillLine(Line):
    """A line of a bill."""

    text = Text(30, "What it is for.", required=True)
    quantity = Quantity("How much.", positive=True, required=True, published=True)


def bill() -> type[Resource]:
    class Bill(Resource, path="/v1/bills", permission="toy.bills", label="number"):
        """A bill with its lines."""

        number = Text(20, "Given when it is made.", computed=True, filter=True)
        currency = Currency(default="EUR", filter=True)
        site_id = Refers("sites", "Where it is due.", planned=True, null=True, filter=True)
        lines = Lines(BillLine, "What is billed.", least=1, once="id", required=True)

    return Bill


def test_lines_that_are_rows_have_an_id_which_clients_may_choose() -> None:
    """`Lines(OrderLine)`."""
    chosen = "0197f0a0-0000-7000-8000-000000000001"
    request = load(bill().create.request, {"lines": [{"id": chosen, "text": "Oil", "quantity": "2"}]})
    assert str(request["lines"][0]["id"]) == chosen and request["currency"] == "EUR"
    with pytest.raises(Invalid) as refused:
        load(bill().create.request, {"currency": "XXX", "lines": []})
    assert {(e["pointer"], e["code"]) for e in refused.value.errors} == {
        ("/lines", "too_short"), ("/currency", "invalid_choice")
    }  # fmt: skip
    assert list(BillLine.shown_schema().fields) == ["id", "text", "quantity"]


def test_changes_show_of_lines_the_published_members_only() -> None:
    shown = bill().declaration.changing().dump_fields["lines"]
    assert isinstance(shown, ma.fields.List) and isinstance(shown.inner, ma.fields.Nested)
    assert list(shown.inner.schema.fields) == ["quantity"]


def test_a_planned_resource_is_referred_to_before_it_exists() -> None:
    declaration = bill().declaration
    assert list(declaration.references()) == [] and declaration.view().fields["site_id"].refers == ""  # type: ignore[attr-defined]
    assert declaration.creation().fields["site_id"].refers == "sites"  # type: ignore[attr-defined]


def rows(**annotations: Any) -> Any:
    class Fresh(Conventions, DeclarativeBase):
        metadata = new_metadata()

    body = {"__annotations__": annotations, "__module__": __name__, "__tablename__": "bill_line"}
    return type("BillLines", (Row, Fresh), body, of=BillLine)


def test_rows_of_lines_are_compared_with_their_declaration() -> None:
    written = str(CreateTable(rows(text=Mapped[str], quantity=Mapped[Decimal]).__table__))
    assert "CONSTRAINT ck_bill_line_text CHECK (length(text) BETWEEN 1 AND 30)" in written
    assert "quantity > 0" in written
    with pytest.raises(TypeError, match="quantity is int, declared as Decimal"):
        rows(text=Mapped[str], quantity=Mapped[int])


def test_a_model_may_narrow_a_verb_by_more_than_its_state() -> None:
    """Per record, clients can ask which verbs are possible and why not."""

    class Gate(Resource, path="/v1/gates", permission="toy.gates"):
        """A gate."""

        status = State(open="Open", shut="Shut", start="open")
        shut = Verb("Shut it", of=("open",), to="shut")
        open = Verb("Open it", of=("shut",), to="open")

    class Fresh(Conventions, DeclarativeBase):
        metadata = new_metadata()

    class OwnGate(Aggregate, Fresh, of=Gate):
        status: Mapped[str]

        def allow_shut(self, actor: str) -> None:
            self.allow("shut")
            if actor == "guest":
                raise Conflict

    gate = OwnGate(status="open")
    gate.allow_by("shut", "porter")
    for verb, refusal in (("shut", Conflict), ("open", InvalidTransition)):
        with pytest.raises(refusal):
            gate.allow_by(verb, "guest")
