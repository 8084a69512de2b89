"""Resources that clients only read, kinds in one table, and events that keep their words."""

from collections.abc import Iterator

import marshmallow as ma
import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped
from sqlalchemy.schema import CreateTable

from shared.api.operations import load
from shared.kernel.refusals import Invalid
from shared.schema import Flag, Group, Id, Resource, Text, Verb
from shared.schema.contract import CATALOGUE
from shared.schema.resource import RESOURCES
from shared.storage.database import Aggregate, Conventions, new_metadata
from shared.storage.declared_models import MODELS


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Declarations of tests belong to no service."""
    kept = [(known, dict(known)) for known in (RESOURCES, MODELS, CATALOGUE)]
    yield
    for known, before in kept:
        known.clear()
        known.update(before)  # type: ignore[arg-type]


def test_what_clients_neither_create_nor_update_they_never_send() -> None:
    class Rate(Resource, path="/v1/rates", permission="toy.rates", operations=("get", "list")):
        """A rate."""

        code = Text(10, filter=True)
        holds = Flag(required=True)

    fields = Rate.declaration.fields
    assert not any(field.is_sent for field in fields.values()) and not fields["holds"].options["required"]
    assert {"code", "holds"} <= Rate.get.response().fields.keys()  # type: ignore[misc]


def test_a_check_that_is_no_pattern_holds_for_a_text() -> None:
    def even(value: str) -> None:
        if len(value) % 2:
            raise ma.ValidationError("odd")

    class Cable(Resource, path="/v1/cables", permission="toy.cables"):
        """A cable."""

        name = Text(10, form=even, required=True)
        socket_id = Id(null=True)

    with pytest.raises(Invalid) as refused:
        load(Cable.create.request, {"name": "abc", "socket_id": "x"})
    assert {error["pointer"] for error in refused.value.errors} == {"/name", "/socket_id"}


def test_a_subclass_that_is_declared_shares_the_table_of_its_kind() -> None:
    """Invoices and credit notes are one table; each is a resource."""

    class Deed(Group):
        """What both kinds have."""

        name = Text(10, required=True)

    class Will(Deed, Resource, path="/v1/wills", permission="toy.deeds"):
        """A will."""

        sign = Verb("Sign it")

    class Copy(Deed, Resource, path="/v1/copies", permission="toy.deeds", operations=("get", "list")):
        """A copy of a will."""

    class Fresh(Conventions, DeclarativeBase):
        metadata = new_metadata()

    class AnyDeed(Aggregate, Fresh):
        __tablename__ = "deed"
        kind: Mapped[str]
        name: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "version_id_col": Aggregate.version}

    kinds = {of: type(of.__name__, (AnyDeed,), {"__mapper_args__": {"polymorphic_identity": of.__name__}}, of=of)
             for of in (Will, Copy)}  # fmt: skip
    assert {MODELS[of].__table__.name for of in kinds} == {"deed"}
    assert str(CreateTable(AnyDeed.__table__)).count("length(name)") == 1  # type: ignore[arg-type]
    assert (kinds[Will]().allowed, kinds[Copy]().allowed) == (["sign"], [])


def test_an_event_keeps_the_words_that_it_was_released_with() -> None:
    """A type `….changed` and a member `buyer` stay, although the resource says `updated` and `customer_id` by now."""

    class Deal(Resource, path="/v1/deals", permission="toy.deals", events={"changed": 0xFF1}):
        """A deal."""

        customer_id = Id(required=True, published="buyer")

    assert Deal.updated.type.endswith(".deal.changed") and not hasattr(Deal, "changed")
    assert list(Deal.updated.__annotations__) == ["deal_id", "buyer", "changes"]
