"""Parked messages through the API of their service: found page by page, shown, tried again, given up; each audited."""

from typing import Any

import pytest
from sqlalchemy import text

from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Invalid, NotFound
from tests.harness import Harness
from tests.shared.test_inbox import deliver

PLACE = {"service": "toy"}


@pytest.fixture
def parked(toy: Harness) -> list[dict[str, Any]]:
    """Five messages that nobody can read."""
    for number in range(5):
        assert deliver(toy, b"{%d" % number) == "parked"
    found: list[dict[str, Any]] = toy.call("list_parked_messages", query={})["data"]
    return found


def of(row: dict[str, Any]) -> dict[str, str]:
    return {**PLACE, "consumer": row["consumer"], "event_id": row["event_id"]}


def test_listed_page_by_page_oldest_first(toy: Harness, parked: list[dict[str, Any]]) -> None:
    assert len({row["event_id"] for row in parked}) == 5 and {row["service"] for row in parked} == {"toy"}
    assert [row["received_at"] for row in parked] == sorted(row["received_at"] for row in parked)
    seen, cursor = [], None
    for _ in range(3):
        page = toy.call("list_parked_messages", query={"limit": "2", **({"cursor": cursor} if cursor else {})})
        seen += page["data"]
        cursor = page["next_cursor"]
    assert seen == parked and cursor is None


def test_filtered(toy: Harness, parked: list[dict[str, Any]]) -> None:
    code, consumer = parked[0]["error_code"], parked[0]["consumer"]
    assert len(toy.call("list_parked_messages", query={"error_code": code, "consumer": consumer})["data"]) == 5
    assert toy.call("list_parked_messages", query={"error_code": "other"})["data"] == []


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"cursor": "%%"}, {"cursor": "W10"}, {"colour": "1"}]
)
def test_what_makes_no_sense_is_refused(toy: Harness, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        toy.call("list_parked_messages", query=query)


def test_shown_with_its_body(toy: Harness, parked: list[dict[str, Any]]) -> None:
    assert toy.call("get_parked_message", **of(parked[3]))["body"] == "{3"
    with pytest.raises(NotFound):
        toy.call("get_parked_message", **of({**parked[0], "event_id": new_id()}))
    with pytest.raises(NotFound):
        toy.call("get_parked_message", **of({**parked[0], "event_id": "x"}))


@pytest.mark.parametrize(
    ("operation", "state"), [("replay_parked_message", "retry"), ("discard_parked_message", "discarded")]
)
def test_decided_once_with_a_reason(toy: Harness, parked: list[dict[str, Any]], operation: str, state: str) -> None:
    with pytest.raises(Invalid):
        toy.call(operation, **of(parked[0]), body={})
    reply = toy.reply(operation, **of(parked[0]), body={"reason": "fixed in 1.2"}, actor="olga")
    assert reply.status == 204
    with pytest.raises(NotFound):
        toy.call(operation, **of(parked[0]), body={"reason": "fixed in 1.2"})
    with toy.session() as session:
        ids = {"id": parked[0]["event_id"]}
        assert session.execute(text("SELECT state FROM inbox WHERE event_id = :id"), ids).scalar_one() == state
        told = session.execute(text("SELECT actor, action, changes FROM audit WHERE object_id = :id"), ids).one()
    assert (told.actor, told.action) == ("olga", f"toy.{operation}")
    assert "fixed in 1.2" in str(told.changes)
    assert len(toy.call("list_parked_messages", query={})["data"]) == 4
