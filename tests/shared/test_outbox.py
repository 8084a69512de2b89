"""Events become rows of the transaction that made them true, numbered without gaps per aggregate."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import text

from shared.kernel.context import Context
from shared.kernel.ids import new_id, tag_of, type_tag
from shared.schema.envelope import Unfit
from shared.storage import transaction
from shared.storage.outbox import publish
from tests.harness import Harness
from tests.shared.toy import contract as toy_contract


def _rows(toy: Harness) -> list[tuple[str, int, str]]:
    with toy.session() as session:
        found = session.execute(text("SELECT aggregate_id::text, sequence, envelope FROM outbox ORDER BY id")).all()
    return [(row[0], row[1], row[2]) for row in found]


def test_the_envelope_is_a_cloudevent(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": 'l\'œuvre "été"', "amount": "12.5"}, actor="ann", request_id="r-1")
    ((_, _, raw),) = _rows(toy)
    envelope = json.loads(raw)
    assert envelope["data"] == {"thing_id": thing["id"], "name": 'l\'œuvre "été"', "amount": "12.5"}
    assert {k: envelope[k] for k in ("specversion", "source", "type", "subject", "sequence", "actor")} == {
        "specversion": "1.0", "source": "/liaison/toy", "type": "liaison.toy.thing.made.v1",
        "subject": f"thing/{thing['id']}", "sequence": "1", "actor": "ann",
    }  # fmt: skip
    assert (envelope["correlationid"], envelope["causationid"]) == ("r-1", "r-1")
    assert envelope["time"].endswith("Z") and envelope["datacontenttype"] == "application/json"


def test_the_event_id_tells_the_type(toy: Harness) -> None:
    reply = toy.reply("create_thing", body={"name": "lamp"})
    from uuid import UUID

    assert tag_of(UUID(reply.event_ids[0])) == type_tag(toy_contract.ThingMade.full_type)


def test_sequences_have_no_gap_whatever_fails_between(toy: Harness) -> None:
    """Refused commands and concurrent ones: the numbers stay 1..n, in the order of the rows."""
    thing = toy.call("create_thing", body={"name": "lamp"})["id"]
    barrier = threading.Barrier(8)

    def rename(number: int) -> None:
        barrier.wait()
        for attempt in range(4):
            toy.call("patch_thing", id=thing, body={"name": f"lamp {number}-{attempt}"}, if_match="*")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rename, range(8)))
    rows = _rows(toy)
    assert [sequence for _, sequence, _ in rows] == list(range(1, 34))
    assert all(json.loads(raw)["sequence"] == str(sequence) for _, sequence, raw in rows)


def test_the_audit_table_refuses_changes(toy: Harness) -> None:
    from sqlalchemy.exc import ProgrammingError

    toy.call("create_thing", body={"name": "lamp"})
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with toy.session() as session, pytest.raises(ProgrammingError) as refused:
            session.execute(text(statement))
        assert refused.value.orig.pgcode == "42501"


def test_an_event_that_breaks_its_own_schema_is_never_published(toy: Harness) -> None:
    """C3: it is checked within the transaction that publishes it, which then leaves nothing behind."""
    made = toy_contract.ThingMade(thing_id=new_id(), name="lamp", amount=Decimal(10) ** 18)
    with pytest.raises(Unfit, match="amount"):
        transaction.run(toy.engine, Context(), lambda session: publish(session, made))
    with pytest.raises(Unfit, match="name"):
        transaction.run(toy.engine, Context(), lambda session: publish(session, replace(made, name=None)))
    assert _rows(toy) == []
