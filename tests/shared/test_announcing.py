"""What a migration announces is a fact like every other: numbered, with a cause that the auditor accepts."""

import json
from decimal import Decimal
from types import SimpleNamespace

from sqlalchemy import text

from shared.kernel.ids import new_id
from shared.storage.announcing import announce
from tests.harness import Harness
from tests.shared.toy import contract as toy_contract


def test_announced_facts_have_a_cause_and_a_number(toy: Harness) -> None:
    """C4: services that begin to keep copies are told of what has long been true."""
    things = [toy_contract.ThingMade(thing_id=new_id(), name="lamp", amount=Decimal(1)) for _ in range(2)]
    with toy.engine.begin() as connection:
        announce(SimpleNamespace(get_bind=lambda: connection), things)
        announce(SimpleNamespace(get_bind=lambda: connection), [])
    with toy.session() as session:
        sent = [json.loads(raw) for raw in session.scalars(text("SELECT envelope FROM outbox ORDER BY id"))]
    assert [e["data"]["thing_id"] for e in sent] == [str(thing.thing_id) for thing in things]
    assert {(e["sequence"], e["causationid"], e["correlationid"]) for e in sent} == {("1", *["program:migration"] * 2)}
