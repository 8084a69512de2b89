"""One effect per event and handler: duplicates, order, failures, parking, replay."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.kernel import clock, faults
from shared.kernel.ids import new_event_id, new_id
from shared.kernel.settings import LIMITS
from shared.ops import parked_messages
from tests.harness import Harness, message
from tests.shared.toy.contract import ThingMade, ThingRenamed


def made(name: str = "lamp", thing: UUID | None = None) -> ThingMade:
    return ThingMade(thing_id=thing or new_id(), name=name, amount=Decimal("1.5"))


def body_of(event: Any, sequence: int = 1) -> bytes:
    return message(event, new_event_id(event.full_type), sequence)


def effects(toy: Harness) -> int:
    with toy.session() as session:
        return int(session.execute(text("SELECT count(*) FROM effect")).scalar_one())


def row(toy: Harness, consumer: str = "note_made") -> Any:
    with toy.session() as session:
        return session.execute(text("SELECT * FROM inbox WHERE consumer = :c"), {"c": consumer}).one()


def deliver(toy: Harness, body: bytes, producer: str = "toy", consumer: str = "note_made", **more: Any) -> str:
    return toy.inbox.deliver(toy.consumers[consumer], body, producer, **more)


def test_the_same_message_twice_has_one_effect(toy: Harness) -> None:
    body = body_of(made())
    assert [deliver(toy, body) for _ in range(3)] == ["done", "duplicate", "duplicate"]
    assert effects(toy) == 1


def test_a_known_event_has_no_effect_whatever_its_handler_does(toy: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler runs before the inbox is written; where it fails at what it did already, nothing has failed."""
    body = body_of(made())
    assert deliver(toy, body) == "done"
    before = row(toy)
    monkeypatch.setattr(toy.consumers["note_made"], "function", _refuse)
    assert deliver(toy, body) == "duplicate" and row(toy) == before
    assert deliver(toy, body_of(made())) == "retry" and effects(toy) == 1


def _refuse(*_: Any) -> None:
    raise RuntimeError("it has been done")


def test_the_same_message_at_the_same_time_has_one_effect(toy: Harness) -> None:
    """As when the broker gives it to a second process while the first still works on it."""
    body = body_of(made())
    with ThreadPoolExecutor(6) as pool:
        results = sorted(pool.map(lambda _: deliver(toy, body), range(6)))
    assert results == ["done", *["duplicate"] * 5] and effects(toy) == 1


def test_each_handler_has_its_own_effect(toy: Harness) -> None:
    body = body_of(made())
    assert deliver(toy, body) == deliver(toy, body, consumer="mirror_thing") == "done"


def test_the_same_id_with_other_content_is_parked(toy: Harness) -> None:
    event = made()
    event_id = new_event_id(event.full_type)
    assert deliver(toy, message(event, event_id)) == "done"
    assert deliver(toy, message(made("forged", event.thing_id), event_id)) == "parked"
    (found,) = parked_messages.find(toy.engine)
    assert found["error_code"] == "wrong_content" and effects(toy) == 1


def test_latest_skips_what_is_older(toy: Harness) -> None:
    thing = new_id()
    answers = [
        deliver(toy, body_of(ThingRenamed(thing_id=thing, name=f"name {n}"), n), consumer="mirror_thing")
        for n in (2, 1, 4, 3)
    ]
    with toy.session() as session:
        name = session.execute(text("SELECT name FROM mirror")).scalar_one()
    assert answers == ["done", "skipped", "done", "skipped"] and name == "name 4"


def test_a_failing_handler_is_tried_by_schedule_then_parked(toy: Harness) -> None:
    assert deliver(toy, body_of(made("explosive lamp"))) == "retry"
    for attempt, delay in enumerate(LIMITS.retry_delays, start=1):
        kept = row(toy)
        assert (kept.state, kept.attempts, kept.error_code) == ("retry", attempt, "RuntimeError")
        assert abs(kept.next_attempt_at - clock.now() - timedelta(seconds=delay)) < timedelta(seconds=2)
        assert toy.retry() == 1
    kept = row(toy)
    assert (kept.state, kept.attempts) == ("parked", len(LIMITS.retry_delays) + 1)
    assert toy.retry() == 0 and effects(toy) == 0


def test_not_yet_is_tried_sooner_and_succeeds(toy: Harness) -> None:
    thing = new_id()
    assert deliver(toy, body_of(made("early bird", thing))) == "retry"
    kept = row(toy)
    assert kept.error_code == "not_yet" and kept.next_attempt_at - clock.now() < timedelta(seconds=1)
    toy.call("create_thing", body={"id": str(thing), "name": "early bird"})
    assert toy.retry() == 1
    kept = row(toy)
    assert (kept.state, kept.attempts, kept.envelope) == ("done", 2, None) and effects(toy) == 1


def test_what_waits_is_not_run_before_its_time(toy: Harness) -> None:
    deliver(toy, body_of(made("explosive lamp")))
    assert toy.inbox.retry_due(toy.consumers) == 0


def test_a_redelivery_of_what_waits_or_is_parked_changes_nothing(toy: Harness) -> None:
    body = body_of(made("explosive lamp"))
    deliver(toy, body)
    before = row(toy)
    assert deliver(toy, body) == "duplicate"
    assert row(toy) == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "liaison.toy.thing.exploded.v1"}, "unknown_type"),
        ({"type": None}, "unknown_type"),
        ({"specversion": "0.3"}, "not_a_cloudevent"),
        ({"source": "/liaison/erp_finance"}, "wrong_source"),
        ({"source": "/elsewhere/toy"}, "wrong_source"),
        ({"id": "seven"}, "schema"),
        ({"time": "noon"}, "schema"),
        ({"time": "2026-01-01T12:00:00"}, "schema"),
        ({"sequence": "many"}, "schema"),
        ({"sequence": "0"}, "schema"),
        ({"sequence": "-1"}, "schema"),
        ({"sequence": str(2**63)}, "schema"),
        ({"sequence": "9" * 5000}, "schema"),
        ({"companyid": "mine"}, "schema"),
        ({"data": None}, "schema"),
        ({"data": []}, "schema"),
        ({"data": {}}, "schema"),
        ({"data": {"thing_id": str(new_id()), "name": 5, "amount": "1"}}, "schema"),
        ({"data": {"thing_id": str(new_id()), "name": "x", "amount": "1e999"}}, "schema"),
        ({"data": {"thing_id": str(new_id()), "name": "x", "amount": 1.5}}, "schema"),
        ({"traceparent": {"a": 1}}, "schema"),
        ({"actor": None}, "schema"),
        ({"correlationid": 5}, "schema"),
    ],
)
def test_what_is_no_event_is_parked_at_once(toy: Harness, change: dict[str, Any], code: str) -> None:
    body = json.dumps(json.loads(body_of(made())) | change).encode()
    assert deliver(toy, body) == "parked"
    kept = row(toy)
    assert (kept.error_code, bytes(kept.envelope), bytes(kept.sha256)) == (code, body, hashlib.sha256(body).digest())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x80\x04\x95pickle",
        b"null",
        b"[]",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b"\xff\xfe",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":1e400}',
    ],
)
def test_what_is_no_json_is_parked_as_bytes(toy: Harness, body: bytes) -> None:
    assert deliver(toy, body) == "parked" == deliver(toy, body)
    (found,) = parked_messages.find(toy.engine)
    assert parked_messages.body(toy.engine, found) == body


def test_a_huge_message_is_parked_without_being_kept_whole(toy: Harness) -> None:
    body = json.dumps({**json.loads(body_of(made())), "padding": "x" * 20_000_000}).encode()
    assert deliver(toy, body) == "parked"
    kept = row(toy)
    assert kept.error_code == "too_large" and bytes(kept.sha256) == hashlib.sha256(body).digest()
    assert bytes(kept.envelope) == body[: len(bytes(kept.envelope))] and len(bytes(kept.envelope)) <= 65536


def test_unknown_members_are_ignored(toy: Harness) -> None:
    """A newer producer may say more; that is no reason to stop."""
    envelope = json.loads(body_of(made()))
    envelope["data"]["colour"] = "red"
    envelope["shade"] = {"of": "grey"}
    assert deliver(toy, json.dumps(envelope).encode()) == "done"


@pytest.mark.parametrize("producer", ["", "erp_finance", "crm_sales", "gateway", "TOY"])
def test_an_event_of_another_service_is_a_forgery(toy: Harness, producer: str) -> None:
    assert deliver(toy, body_of(made()), producer) == "parked"
    assert row(toy).error_code == "wrong_producer" and effects(toy) == 0


def test_an_event_for_another_handler_is_parked(toy: Harness) -> None:
    assert deliver(toy, body_of(ThingRenamed(thing_id=new_id(), name="rug"))) == "parked"
    assert row(toy).error_code == "unexpected_type"


def test_a_message_that_kills_the_process_is_parked(toy: Harness) -> None:
    """Each attempt is noted before it is made; the crash is played by an exception that nothing catches."""

    class Crash(BaseException):
        pass

    def crash(*_: Any) -> None:
        raise Crash

    body = body_of(made())
    toy.consumers["note_made"].function, function = crash, toy.consumers["note_made"].function
    for _ in range(LIMITS.crashes_before_parking):
        with pytest.raises(Crash):
            deliver(toy, body, suspicious=True)
    assert row(toy).state == "trying"
    assert deliver(toy, body, suspicious=True) == "parked"
    assert row(toy).error_code == "crashes_the_process"
    toy.consumers["note_made"].function = function


def test_an_innocent_suspect_is_handled(toy: Harness) -> None:
    body = body_of(made())
    assert [deliver(toy, body, suspicious=True) for _ in range(9)] == ["done"] + ["duplicate"] * 8
    assert effects(toy) == 1


def test_a_suspect_that_fails_waits_like_any_other(toy: Harness) -> None:
    assert deliver(toy, body_of(made("explosive lamp")), suspicious=True) == "retry"
    assert row(toy).state == "retry"


def test_a_waiting_message_that_kills_the_process_is_parked(toy: Harness) -> None:
    """It failed first and kills on later attempts: its attempts end too."""

    class Crash(BaseException):
        pass

    def crash(*_: Any) -> None:
        raise Crash

    deliver(toy, body_of(made("explosive lamp")))
    toy.consumers["note_made"].function, function = crash, toy.consumers["note_made"].function
    for _ in range(40):
        try:
            toy.retry()
        except Crash:
            continue
        break
    assert row(toy).state == "parked"
    toy.consumers["note_made"].function = function


def test_a_crash_between_claim_and_commit_leaves_nothing(toy: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_PLAN", [["before_commit", "1", "raise"]])
    monkeypatch.setattr(faults, "_PASSED", type(faults._PASSED)())
    body = body_of(made())
    assert deliver(toy, body) == "retry" and effects(toy) == 0
    monkeypatch.setattr(faults, "_PLAN", [])
    toy.retry()
    assert effects(toy) == 1


# -- parked messages ----------------------------------------------------------------------------------------------


def park(toy: Harness, name: str = "explosive lamp") -> dict[str, Any]:
    deliver(toy, body_of(made(name)))
    with toy.session() as session:
        session.execute(text("UPDATE inbox SET state = 'parked'"))
        session.commit()
    (found,) = parked_messages.find(toy.engine, consumer="note_made")
    return found


def test_replay_is_audited_and_has_one_effect(toy: Harness) -> None:
    found = park(toy, "early bird")
    thing = json.loads(parked_messages.body(toy.engine, found))["data"]["thing_id"]
    toy.call("create_thing", body={"id": thing, "name": "early bird"})
    assert [parked_messages.replay(toy.engine, found, "operator:ann", "fixed") for _ in range(2)] == [True, False]
    toy.retry()
    assert row(toy).state == "done" and effects(toy) == 1
    with toy.session() as session:
        audited = session.execute(text("SELECT actor, changes FROM audit WHERE action = 'parked.replay'")).all()
    assert [tuple(a) for a in audited] == [("operator:ann", {"reason": "fixed"})]


def test_replay_of_what_still_fails_is_parked_again(toy: Harness) -> None:
    parked_messages.replay(toy.engine, park(toy), "operator:ann", "hope")
    for _ in range(len(LIMITS.retry_delays) + 2):
        toy.retry()
    assert row(toy).state == "parked"


def test_discard_is_audited_and_final(toy: Harness) -> None:
    found = park(toy)
    assert parked_messages.discard(toy.engine, found, "operator:ann", "a test") is True
    assert parked_messages.find(toy.engine) == [] and toy.retry() == 0
    assert parked_messages.replay(toy.engine, found, "operator:ann", "no") is False


@pytest.mark.parametrize("kind", ["undecodable", "wrong_producer", "wrong_content"])
def test_replay_never_lets_a_forgery_in(toy: Harness, kind: str) -> None:
    """What was refused for its origin or its form is refused again, and does not go round in circles."""
    event, body = made(), body_of(made())
    if kind == "undecodable":
        deliver(toy, b"{")
    elif kind == "wrong_producer":
        deliver(toy, body, "crm_sales")
    else:
        event_id = new_event_id(event.full_type)
        deliver(toy, message(event, event_id))
        deliver(toy, message(made("forged"), event_id))
    before = effects(toy)
    (found,) = parked_messages.find(toy.engine)
    parked_messages.replay(toy.engine, found, "operator:ann", "mistake")
    toy.retry()
    (again,) = parked_messages.find(toy.engine)
    assert again["event_id"] == found["event_id"] and again["error_code"] == kind
    assert effects(toy) == before


def test_an_unreadable_replay_does_not_stop_the_others(toy: Harness) -> None:
    deliver(toy, b"{")
    (found,) = parked_messages.find(toy.engine)
    parked_messages.replay(toy.engine, found, "operator:ann", "mistake")
    thing = new_id()
    deliver(toy, body_of(made("early bird", thing)))
    toy.call("create_thing", body={"id": str(thing), "name": "early bird"})
    assert toy.retry() == 2 and effects(toy) == 1


def test_what_was_unknown_is_handled_once_it_is_known(toy: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer was upgraded before its consumer: after the consumer's upgrade an operator replays."""
    from shared.schema.contract import CATALOGUE

    body = body_of(made())
    with monkeypatch.context() as older:
        older.delitem(CATALOGUE, ThingMade.full_type)
        assert deliver(toy, body) == "parked"
    (found,) = parked_messages.find(toy.engine)
    parked_messages.replay(toy.engine, found, "operator:ann", "upgraded")
    toy.retry()
    assert effects(toy) == 1 and parked_messages.find(toy.engine) == [] and toy.retry() == 0
    assert deliver(toy, body) == "duplicate"
