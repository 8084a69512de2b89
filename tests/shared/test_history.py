"""Who changed what, old → new, when, in which request."""

from typing import Any

import pytest

from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, NotFound
from tests.harness import Harness


def history(toy: Harness, id_: str, **given: Any) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = toy.call("history_of_things", id=id_, **given)["data"]
    return data


@pytest.fixture
def lamp(toy: Harness) -> str:
    """Made by Ann, renamed by Bob, broken by Cid."""
    id_ = str(toy.call("create_thing", body={"name": "lamp"}, actor="ann", request_id="r-1")["id"])
    changed = {"name": "rug", "amount": "3"}
    toy.call("patch_thing", id=id_, body=changed, if_match=1, actor="bob", request_id="r-2")
    toy.call("break_thing", id=id_, key="k" * 16, actor="cid", request_id="r-3")
    return id_


def test_every_command_is_told_newest_first(toy: Harness, lamp: str) -> None:
    told = history(toy, lamp)
    assert [(e["action"], e["effect"], e["actor"], e["request_id"]) for e in told] == [
        ("break_thing", "changed", "cid", "r-3"),
        ("patch_thing", "changed", "bob", "r-2"),
        ("create_thing", "created", "ann", "r-1"),
    ]
    assert told[0]["changes"] == [{"field": "broken", "label": "Broken", "old": False, "new": True}]
    assert {c["field"]: (c["old"], c["new"]) for c in told[1]["changes"]} == {
        "name": ("lamp", "rug"),
        "amount": ("0.00", "3.00"),
    }
    assert told[2]["changes"] == []


def test_it_is_a_list_like_every_other(toy: Harness, lamp: str) -> None:
    first = toy.call("history_of_things", id=lamp, query={"limit": "2", "include_total": "true"})
    rest = toy.call("history_of_things", id=lamp, query={"limit": "2", "cursor": first["next_cursor"]})
    assert (len(first["data"]), first["total"], len(rest["data"]), rest["next_cursor"]) == (2, 3, 1, None)
    assert [e["actor"] for e in history(toy, lamp, query={"actor": "bob"})] == ["bob"]
    with pytest.raises(BadRequest):
        history(toy, lamp, query={"colour": "red"})


def test_a_deletion_is_told_to_whoever_did_it_and_to_auditors(toy: Harness, lamp: str) -> None:
    toy.call("delete_thing", id=lamp, if_match=3, actor="dee")
    reader = {"permissions": ["toy.things:read"]}
    assert [e["effect"] for e in history(toy, lamp, actor="dee", **reader)][:1] == ["deleted"]
    assert len(history(toy, lamp, actor="eva", permissions=["*:read"])) == 4
    with pytest.raises(NotFound):
        history(toy, lamp, actor="ann", **reader)


def test_what_does_not_exist_has_no_history(toy: Harness) -> None:
    for id_ in (new_id(), "seven"):
        with pytest.raises(NotFound):
            history(toy, str(id_))


def test_items_of_a_batch_are_told_one_by_one(toy: Harness, lamp: str) -> None:
    operations = [
        {"op": "update", "id": lamp, "if_match": "*", "data": {"name": name}} for name in ("mat", "", "carpet")
    ]
    toy.call("batch_things", body={"operations": operations}, actor="fay")
    told = [(c["old"], c["new"]) for e in history(toy, lamp, query={"actor": "fay"}) for c in e["changes"]]
    assert told == [("mat", "carpet"), ("rug", "mat")]
