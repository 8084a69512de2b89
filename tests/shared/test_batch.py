"""Many operations in one request: each for itself, or all or none."""

from typing import Any

import pytest
from sqlalchemy import text

from shared.api.caller import NotAllowed
from shared.api.operations import Reply
from shared.derived.batch import BatchRefused
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from tests.harness import Harness
from tests.shared.toy.contract import ThingMade, ThingRenamed

KEY = "a-key-of-sixteen-or-more"


def batch(toy: Harness, *operations: dict[str, Any], atomic: bool = False, **given: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = toy.call(
        "batch_things", body={"operations": list(operations), "atomic": atomic}, **given
    )["results"]
    return results


def create(name: str, **more: Any) -> dict[str, Any]:
    return {"op": "create", "data": {"name": name, **more}}


def count(toy: Harness, table: str, where: str = "true") -> int:
    with toy.session() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def test_each_operation_is_answered_as_if_it_had_come_alone(toy: Harness) -> None:
    lamp = toy.call("create_thing", body={"name": "lamp"})
    toy.published()
    chosen, unknown = str(new_id()), str(new_id())
    results = batch(
        toy,
        create("rug", amount="3"),
        create("", amount="-1"),
        {"op": "create", "id": chosen, "data": {"name": "chair"}},
        {"op": "update", "id": lamp["id"], "if_match": 1, "data": {"name": "lantern"}},
        {"op": "update", "id": lamp["id"], "if_match": '"1"', "data": {"name": "torch"}},
        {"op": "update", "id": lamp["id"], "data": {"name": "torch"}},
        {"op": "update", "id": unknown, "if_match": "*", "data": {"name": "torch"}},
        {"op": "update", "if_match": "*", "data": {"name": "torch"}},
        {"op": "update", "id": lamp["id"], "if_match": "*", "data": {"colour": "red"}},
    )
    assert [r["status"] for r in results] == [201, 422, 201, 200, 412, 428, 404, 422, 422]
    assert results[0]["resource"]["amount"] == "3.00" and results[0]["version"] == 1
    assert results[2]["id"] == results[2]["resource"]["id"] == chosen
    assert (results[3]["version"], results[3]["resource"]["name"]) == (2, "lantern")
    pointers = [[e["pointer"] for e in r["problem"].get("errors", [])] for r in results if "problem" in r]
    assert sorted(pointers[0]) == ["/operations/1/data/amount", "/operations/1/data/name"]
    assert pointers[1:] == [[], [], [], ["/operations/7/id"], ["/operations/8/data/colour"]]
    assert results[4]["problem"]["version"] == 2 and results[4]["problem"]["code"] == "stale_version"
    assert results[1]["problem"]["instance"] == "/v1/things/batch#/operations/1"
    assert [type(e) for e in toy.published()] == [ThingMade, ThingMade, ThingRenamed]
    assert all(len(results[n]["event_ids"]) == 1 for n in (0, 2, 3))


def test_what_failed_left_nothing(toy: Harness) -> None:
    """Also when the database refused it after the handler had published."""
    toy.call("create_thing", body={"name": "lamp", "note": "taken"})
    toy.published()
    results = batch(toy, create("rug"), create("lamp", note="taken"), create("chair"))
    assert [r["status"] for r in results] == [201, 409, 201]
    assert results[1]["problem"]["code"] == "duplicate"
    assert [e.name for e in toy.published() if isinstance(e, ThingMade)] == ["rug", "chair"]
    assert count(toy, "thing") == 3
    assert count(toy, "audit", "action = 'toy.create_thing'") == 3
    assert count(toy, "audit", "action = 'toy.batch_things'") == 1


def test_an_atomic_batch_is_all_or_nothing(toy: Harness) -> None:
    lamp = toy.call("create_thing", body={"name": "lamp"})
    toy.published()
    stale = {"op": "update", "id": lamp["id"], "if_match": 7, "data": {"name": "torch"}}
    with pytest.raises(BatchRefused) as refused:
        batch(toy, create("rug"), create("chair", amount="x"), stale, atomic=True, key=KEY)
    told = [(e["pointer"], e["code"]) for e in refused.value.errors]
    assert told == [("/operations/1/data/amount", "invalid_decimal"), ("/operations/2/if_match", "stale_version")]
    assert toy.published() == [] and count(toy, "thing") == 1
    assert count(toy, "audit", "action <> 'toy.create_thing'") == 0 and count(toy, "idempotency") == 0
    assert [r["status"] for r in batch(toy, create("rug"), create("chair"), atomic=True, key=KEY)] == [201, 201]


def test_the_key_covers_the_whole_batch(toy: Harness) -> None:
    body = {"operations": [create("rug"), create("")]}
    first: Reply = toy.reply("batch_things", body=body, key=KEY)
    again: Reply = toy.reply("batch_things", body=body, key=KEY)
    assert (first.replayed, again.replayed) == (False, True) and first.body == again.body
    assert count(toy, "thing") == 1 and len(toy.published()) == 1


def test_a_chosen_id_makes_a_retried_item_harmless(toy: Harness) -> None:
    item = {"op": "create", "id": str(new_id()), "data": {"name": "rug"}}
    assert [batch(toy, item)[0]["status"] for _ in range(2)] == [201, 200]
    assert batch(toy, {**item, "data": {"name": "mat"}})[0]["problem"]["code"] == "id_conflict"
    assert batch(toy, item, create("mat"))[0]["status"] == 200
    assert count(toy, "audit", "action = 'toy.create_thing'") == 2


def test_upsert_creates_then_changes(toy: Harness) -> None:
    id_ = str(new_id())
    made = batch(toy, {"op": "upsert", "id": id_, "data": {"name": "rug"}})[0]
    changed = batch(toy, {"op": "upsert", "id": id_, "data": {"name": "mat"}})[0]
    assert (made["status"], changed["status"]) == (201, 200)
    assert (changed["id"], changed["version"], changed["resource"]["name"]) == (id_, 2, "mat")
    stale = batch(toy, {"op": "upsert", "id": id_, "if_match": 1, "data": {"name": "rug"}})[0]
    assert stale["status"] == 412 and count(toy, "thing") == 1


def test_one_item_may_follow_from_another(toy: Harness) -> None:
    id_ = str(new_id())
    results = batch(
        toy,
        {"op": "create", "id": id_, "data": {"name": "rug"}},
        {"op": "update", "id": id_, "if_match": 1, "data": {"name": "mat"}},
        {"op": "update", "id": id_, "if_match": 2, "data": {"name": ""}},
        {"op": "update", "id": id_, "if_match": 2, "data": {"name": "carpet"}},
    )
    assert [r["status"] for r in results] == [201, 200, 422, 200]
    assert [r["resource"]["name"] for r in results if "resource" in r] == ["rug", "mat", "carpet"]


def test_it_needs_the_permission_to_create(toy: Harness) -> None:
    with pytest.raises(NotAllowed):
        batch(toy, create("rug"), permissions=["toy.things:read"])


def test_each_item_needs_the_permission_to_change(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp"})
    handler = toy.operations["patch_thing"].operation
    assert handler is not None
    handler.permission, before = "toy.things:change", handler.permission
    try:
        update = {"op": "update", "id": thing["id"], "if_match": 1, "data": {"name": "rug"}}
        results = batch(toy, create("mat"), update, permissions=["toy.things:write"])
    finally:
        handler.permission = before
    assert [r["status"] for r in results] == [201, 403]
    assert results[1]["problem"]["permission"] == "toy.things:change"


def test_problems_speak_french(toy: Harness) -> None:
    told = batch(toy, create(""), language="fr")[0]["problem"]
    assert told["title"] == "Non valide" and told["errors"][0]["message"] == "C'est trop court ; envoyez au moins 1."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/operations"),
        ({"operations": []}, "/operations"),
        ({"operations": [{}]}, "/operations/0/op"),
        ({"operations": [{"op": "destroy", "data": {}}]}, "/operations/0/op"),
        ({"operations": [{"op": "create", "data": []}]}, "/operations/0/data"),
        ({"operations": [{"op": "update", "data": {}, "if_match": 0}]}, "/operations/0/if_match"),
        ({"operations": [{"op": "update", "data": {}, "if_match": True}]}, "/operations/0/if_match"),
        ({"operations": [{"op": "create", "data": {}, "more": 1}]}, "/operations/0/more"),
        ({"operations": [{"op": "create", "data": {"name": "x"}}] * 501}, "/operations"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(toy: Harness, body: object, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        toy.call("batch_things", body=body)
    assert pointer in {e["pointer"] for e in refused.value.errors} and not isinstance(refused.value, BatchRefused)


def test_a_full_batch(toy: Harness) -> None:
    results = batch(toy, *(create(f"thing {n}") for n in range(500)))
    assert {r["status"] for r in results} == {201} and len(results) == count(toy, "thing") == 500


def test_deletions(toy: Harness) -> None:
    """D4: a batch deletes as DELETE does: with a version, one by one or all or none; with a key as well, which was 500."""
    lamp, rug = (toy.call("create_thing", body={"name": name}) for name in ("lamp", "rug"))
    results = batch(
        toy,
        {"op": "delete", "id": lamp["id"]},
        {"op": "delete", "if_match": 1},
        {"op": "delete", "id": lamp["id"], "if_match": 7},
        {"op": "delete", "id": str(new_id()), "if_match": "*"},
        {"op": "create"},
        {"op": "delete", "id": lamp["id"], "if_match": 1},
        key=KEY,
    )
    assert [r["status"] for r in results] == [428, 422, 412, 404, 422, 204]
    assert results[5]["id"] == lamp["id"] and "resource" not in results[5]
    assert results[4]["problem"]["errors"][0]["pointer"] == "/operations/4/data"
    with pytest.raises(BatchRefused):
        batch(
            toy,
            {"op": "delete", "id": rug["id"], "if_match": 1},
            {"op": "delete", "id": rug["id"], "if_match": 1},
            atomic=True,
        )
    assert count(toy, "thing") == 1
