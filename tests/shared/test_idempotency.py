"""A repeated request has one effect and one answer, whoever repeats it and whenever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.kernel.ids import new_id
from shared.kernel.refusals import IdConflict, IdempotencyMismatch, IdempotencyRunning, NotFound, Refusal
from tests.harness import Harness
from tests.shared.waiting import until

KEY = "a-key-of-sixteen-or-more"


def test_same_key_and_body_gets_the_same_answer(toy: Harness) -> None:
    body = {"name": "lamp", "amount": "12.50"}
    first = toy.reply("create_thing", body=body, key=KEY)
    again = toy.reply("create_thing", body=body, key=KEY)
    assert (again.body, again.status, again.etag, again.id) == (first.body, 201, first.etag, first.id)
    assert again.event_ids == first.event_ids and again.event_ids
    assert (first.replayed, again.replayed) == (False, True)
    assert len(toy.published()) == 1


def test_members_may_come_in_another_order(toy: Harness) -> None:
    toy.call("create_thing", body={"name": "lamp", "amount": "1"}, key=KEY)
    assert toy.reply("create_thing", body={"amount": "1", "name": "lamp"}, key=KEY).replayed


def test_same_key_for_another_body_is_refused(toy: Harness) -> None:
    toy.call("create_thing", body={"name": "lamp"}, key=KEY)
    with pytest.raises(IdempotencyMismatch):
        toy.call("create_thing", body={"name": "rug"}, key=KEY)


def test_same_key_for_another_path_is_refused(toy: Harness) -> None:
    lamp, rug = (toy.call("create_thing", body={"name": name}) for name in ("lamp", "rug"))
    toy.call("break_thing", id=lamp["id"], key=KEY)
    with pytest.raises(IdempotencyMismatch):
        toy.call("break_thing", id=rug["id"], key=KEY)


def test_keys_belong_to_the_actor_and_the_operation(toy: Harness) -> None:
    made = [toy.reply("create_thing", body={"name": "lamp"}, key=KEY, actor=actor) for actor in ("ann", "bob")]
    assert made[0].id != made[1].id
    assert not toy.reply("break_thing", id=made[0].id, key=KEY, actor="ann").replayed


def test_a_refusal_is_not_remembered(toy: Harness) -> None:
    """What was refused may be right a moment later."""
    thing = new_id()
    with pytest.raises(NotFound):
        toy.call("break_thing", id=thing, key=KEY)
    toy.call("create_thing", body={"id": str(thing), "name": "lamp"})
    assert toy.call("break_thing", id=thing, key=KEY)["broken"] is True


def test_client_chosen_id_makes_a_retry_harmless(toy: Harness) -> None:
    body = {"id": str(new_id()), "name": "lamp"}
    first, again = toy.reply("create_thing", body=body), toy.reply("create_thing", body=body)
    assert (first.status, again.status) == (201, 200)
    assert first.id == again.id == body["id"]
    assert len(toy.published()) == 1


def test_client_chosen_id_answers_with_the_present_state(toy: Harness) -> None:
    body = {"id": str(new_id()), "name": "lamp"}
    toy.call("create_thing", body=body)
    toy.call("break_thing", id=body["id"], key=KEY)
    assert toy.call("create_thing", body=body)["broken"] is True


def test_client_chosen_id_with_another_body_is_a_conflict(toy: Harness) -> None:
    chosen = str(new_id())
    toy.call("create_thing", body={"id": chosen, "name": "lamp"})
    with pytest.raises(IdConflict):
        toy.call("create_thing", body={"id": chosen, "name": "rug"})


def test_client_chosen_id_is_not_used_again_after_deletion(toy: Harness) -> None:
    body = {"id": str(new_id()), "name": "lamp"}
    toy.call("create_thing", body=body)
    toy.call("delete_thing", id=body["id"], if_match=1)
    with pytest.raises(IdConflict):
        toy.call("create_thing", body=body)


def test_while_the_first_runs_the_second_is_told_so(toy: Harness) -> None:
    """A row lock of ours keeps the first from finishing."""
    thing = toy.call("create_thing", body={"name": "lamp"})
    with ThreadPoolExecutor(1) as pool, toy.session() as session:
        from sqlalchemy import text

        session.execute(text("SELECT 1 FROM thing FOR UPDATE"))
        first = pool.submit(toy.call, "break_thing", id=thing["id"], key=KEY)
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        until(lambda: session.scalar(waiting))
        with pytest.raises(IdempotencyRunning):
            toy.call("break_thing", id=thing["id"], key=KEY)
        session.rollback()
        assert first.result()["broken"] is True


def at_once(toy: Harness, body: dict[str, str], key: str | None) -> set[str]:
    """The ids or refusals that forty-eight callers get, twelve at a time."""
    gate = threading.Barrier(12)

    def one(_: int) -> str:
        gate.wait()
        try:
            return toy.reply("create_thing", body=body, key=key).id
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(12) as pool:
        return set(pool.map(one, range(48)))


def test_fifty_at_once_have_one_effect(toy: Harness) -> None:
    """With a key alone, with an id alone, with both."""
    for given in ({"key": KEY}, {"id": str(new_id())}, {"key": KEY + "2", "id": str(new_id())}):
        body = {"name": "lamp", "note": str(sorted(given)), **({"id": given["id"]} if "id" in given else {})}
        answers = at_once(toy, body, given.get("key"))
        assert len(answers - {"idempotency_running"}) == 1
    assert len(toy.published()) == 3
