"""Events arrive: in order, signed, at least once with one id, whatever the receiver does meanwhile."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import WebhookVerificationError

from gateway.webhooks.delivering import MOST_WAITING
from gateway.webhooks.errors import EventForgotten, TooManyWaiting
from gateway.webhooks.schedule import Schedule
from shared.contracts import erp_inventory as inventory
from shared.contracts import gateway as contract
from shared.kernel import clock
from shared.kernel.ids import new_id
from tests.gateway.conftest import until
from tests.gateway.webhooks.conftest import Desk, Driven, held, registered
from tests.gateway.webhooks.receiver import receiving

Make = Callable[..., Driven]


def test_what_is_wanted_and_may_be_seen_arrives_in_order_and_signed(desk: Desk, worker: Make) -> None:
    released = inventory.StockReleased(order_id=new_id(), shipped=False)
    with receiving() as receiver:
        all_ = desk.webhook(f"{receiver.url}/all")
        some = desk.webhook(f"{receiver.url}/some", "crm_sales.order.*", "erp_inventory.stock.*")
        marketing = desk.webhook(f"{receiver.url}/marketing", "#", role="marketing")
        ids = desk.happens(*(held(f"SO-{n}") for n in range(30)), released, registered())
        worker().start()
        until(lambda: len(receiver.got) == 32 + 31 + 31)
        assert receiver.ids("/all") == ids and receiver.ids("/some") == ids[:31]
        assert receiver.ids("/marketing") == ids[:30] + ids[31:], "marketing does not see stock"
        for webhook, path in ((all_, "/all"), (some, "/some"), (marketing, "/marketing")):
            first = next(got for got in receiver.got if got.path == path)
            event = first.verified(webhook["secret"])
            assert event["id"] == first.id and event["data"]["number"] == "SO-0"
            assert first.headers["content-type"] == "application/cloudevents+json"
        with pytest.raises(WebhookVerificationError):
            first.verified(all_["secret"])
    log = desk.deliveries(some)
    assert [entry["event_id"] for entry in log] == ids[:31]
    assert {(e["status"], e["status_code"], e["attempt"], e["answer"], e["kind"]) for e in log} == {
        ("delivered", 200, 1, "thanks", "event")
    }


def test_a_new_webhook_is_told_of_what_comes_not_of_what_was(desk: Desk, worker: Make) -> None:
    desk.happens(held())
    with receiving() as receiver:
        desk.webhook(receiver.url)
        later = desk.happens(held())
        worker().round()
    assert receiver.ids() == later


def test_nothing_overtakes_what_fails(desk: Desk, worker: Make) -> None:
    tries = count()
    with receiving(lambda got, _: (200 if next(tries) > 2 else 500, {}, b"not now")) as receiver:
        webhook = desk.webhook(receiver.url)
        first, second = desk.happens(held("SO-1"), held("SO-2"))
        worker().start()
        until(lambda: len(receiver.got) == len(desk.deliveries(webhook)) == 5)
    assert receiver.ids() == [first] * 4 + [second]
    assert len({got.headers["webhook-signature"] for got in receiver.got[:4]}) >= 1
    log = desk.deliveries(webhook)
    assert [(e["attempt"], e["status"], e["error_code"]) for e in log] == [
        (1, "failed", "status_refused"), (2, "failed", "status_refused"), (3, "failed", "status_refused"),
        (4, "delivered", None), (1, "delivered", None),
    ]  # fmt: skip
    assert log[0]["answer"] == "not now" and log[0]["status_code"] == 500


def test_down_for_a_day(desk: Desk, worker: Make) -> None:
    """The documented delays, a clock that is moved by hours, events all the while; then everything, once, in order."""
    up, tries = threading.Event(), []  # type: ignore[var-annotated]

    def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        tries.append(clock.now())
        return (200 if up.is_set() else 503), {}, b""

    with receiving(answer) as receiver:
        webhook = desk.webhook(receiver.url)
        driven = worker(schedule=Schedule(jitter=0))
        ids = desk.happens(held("SO-0"))
        begun = clock.now()
        for hour in range(40):
            with clock.shifted(timedelta(hours=hour)):
                if hour < 24:
                    ids += desk.happens(held(f"SO-{hour + 1}"))
                if hour == 24:
                    assert desk.call("get_webhook", id=webhook["id"])["active"]
                    up.set()
                for minute in (0, 1, 6, 36):
                    with clock.shifted(timedelta(minutes=minute)):
                        driven.round()
    hours = [round((at - begun).total_seconds() / 3600, 1) for at in tries[:8]]
    assert hours == [0.0, 0.0, 0.1, 0.6, 2.6, 7.6, 17.6, 31.6], hours
    assert receiver.ids() == [ids[0]] * 7 + ids
    assert [e["event_id"] for e in desk.deliveries(webhook, status="delivered")] == ids


_CAUSE = "SELECT envelope::json->>'causationid' FROM outbox ORDER BY id DESC LIMIT 1"


def test_given_up_with_a_notice_and_resumed_where_it_stopped(desk: Desk, worker: Make) -> None:
    tries = count()
    with receiving(lambda *_: (200 if next(tries) > 4 else 500, {}, b"")) as receiver:
        webhook = desk.webhook(receiver.url, "crm_sales.order.*")
        watching = desk.webhook(receiver.url + "/watching", "gateway.webhook.disabled", active=False)
        first = desk.happens(held("SO-1"))
        worker().start()
        until(lambda: not desk.call("get_webhook", id=webhook["id"])["active"])
        stopped = desk.call("get_webhook", id=webhook["id"])
        assert stopped["disabled_reason"] == "retries_exhausted" and stopped["disabled_at"]
        notice = desk.harness.published()[-1]
        assert isinstance(notice, contract.WebhookDisabled)
        assert (str(notice.webhook_id), notice.disabled_reason) == (webhook["id"], "retries_exhausted")
        with desk.harness.session() as session:
            (cause,) = session.execute(text(_CAUSE)).one()
        assert cause.startswith("program:"), "I6: nobody asked for it, and the auditor looks for its cause"
        second = desk.happens(held("SO-2"))
        time.sleep(0.2)
        assert receiver.ids("/") == first * 5 and watching["active"] is False
        resumed = desk.call("update_webhook", id=webhook["id"], body={"active": True}, if_match=stopped["version"])
        assert resumed["active"] and resumed["disabled_reason"] is None and resumed["disabled_at"] is None
        until(lambda: len(receiver.got) == 7)
        assert receiver.ids() == first * 6 + second


def test_gone_means_gone(desk: Desk, worker: Make) -> None:
    with receiving(lambda *_: (410, {}, b"")) as receiver:
        webhook = desk.webhook(receiver.url)
        desk.happens(held())
        worker().round()
    found = desk.call("get_webhook", id=webhook["id"])
    assert (found["active"], found["disabled_reason"], len(receiver.got)) == (False, "gone", 1)


def test_a_receiver_may_ask_for_more_time(desk: Desk, worker: Make) -> None:
    with receiving(lambda *_: (429, {"Retry-After": "600"}, b"")) as receiver:
        desk.webhook(receiver.url)
        desk.happens(held())
        driven = worker()
        for seconds, seen in ((0, 1), (590, 1), (610, 2)):
            with clock.shifted(timedelta(seconds=seconds)):
                driven.round()
            assert len(receiver.got) == seen


def test_a_slow_receiver_holds_up_nobody(desk: Desk, worker: Make) -> None:
    slow, done = threading.Event(), threading.Event()

    def wait(*_: Any) -> tuple[int, dict[str, str], bytes]:
        slow.set()
        done.wait(5)
        return 200, {}, b""

    with receiving(wait) as sleepy, receiving() as quick:
        desk.webhook(sleepy.url)
        for n in range(5):
            desk.webhook(f"{quick.url}/{n}")
        desk.happens(*(held() for _ in range(10)))
        worker(concurrency=4, limit=10.0).start()
        until(lambda: len(quick.got) == 50, 5)
        assert slow.is_set() and len(sleepy.got) == 1
        done.set()
        until(lambda: len(sleepy.got) == 10)


def test_no_transaction_is_open_while_something_is_sent(desk: Desk, worker: Make) -> None:
    states: list[Any] = []

    def look(*_: Any) -> tuple[int, dict[str, str], bytes]:
        states.extend(
            desk.sql(
                "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE '%transaction%'"
            )
        )
        return 200, {}, b""

    with receiving(look) as receiver:
        desk.webhook(receiver.url)
        desk.happens(held(), held())
        worker().round()
    assert len(receiver.got) == 2 and states == []


def test_several_workers_send_each_event_once_and_in_order(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        for n in range(4):
            desk.webhook(f"{receiver.url}/{n}")
        for _ in range(3):
            worker(turn=0.1).start()
        ids = []
        for _ in range(10):
            ids += desk.happens(*(held() for _ in range(5)))
            time.sleep(0.03)
        until(lambda: len(receiver.got) >= 200)
        time.sleep(0.2)
        assert [receiver.ids(f"/{n}") for n in range(4)] == [ids] * 4


def test_who_lost_the_lease_changes_nothing(desk: Desk, worker: Make) -> None:
    """One worker hangs for longer than its lease; another sends the same event with the same id, and the rest."""
    hanging, let_go, calls = threading.Event(), threading.Event(), count()

    def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        if next(calls) == 0:
            hanging.set()
            let_go.wait(5)
        return 200, {}, b""

    with receiving(answer) as receiver:
        webhook = desk.webhook(receiver.url)
        ids = desk.happens(held("SO-1"), held("SO-2"))
        first = worker(lease=0.3, limit=10.0).start()
        assert hanging.wait(5)
        first.ending.set()
        worker(lease=5.0).start()
        until(lambda: len(receiver.got) == 3)
        until(lambda: len(desk.deliveries(webhook)) == 2)
        let_go.set()
        first.stop()
        assert receiver.ids() == [ids[0], *ids]
        assert [e["event_id"] for e in desk.deliveries(webhook)] == ids
        assert desk.sql("SELECT failures FROM webhook_progress") == [(0,)]


def test_rights_are_those_of_the_moment(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url, "#", role="sales")
        driven = worker()
        one = desk.happens(held("SO-1"))
        driven.round()
        desk.sql("UPDATE app_user SET roles = '{hr}' WHERE id = :id", id=desk.user("sales"))
        desk.happens(held("SO-2"))
        driven.round()
        desk.sql("UPDATE app_user SET roles = '{sales,hooks}' WHERE id = :id", id=desk.user("sales"))
        three = desk.happens(held("SO-3"))
        driven.round()
        assert receiver.ids() == one + three
        desk.sql("UPDATE app_user SET active = false WHERE id = :id", id=desk.user("sales"))
        desk.happens(held("SO-4"))
        driven.round()
        assert receiver.ids() == one + three
        assert desk.call("get_webhook", id=webhook["id"])["disabled_reason"] == "owner_inactive"


def test_events_of_another_company_are_nobody_elses(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        desk.webhook(receiver.url + "/sales", role="sales")
        desk.webhook(receiver.url + "/admin")
        desk.sql("UPDATE app_user SET companies = ARRAY[company_id] WHERE id = :id", id=desk.user("sales"))
        desk.happens(held("SO-1"))
        desk.sql("UPDATE event_store SET company_id = :other", other=new_id())
        ids = desk.happens(held("SO-2"))
        worker().round()
    assert receiver.ids("/sales") == ids and len(receiver.ids("/admin")) == 2


def test_an_address_that_turns_inside_is_not_called(desk: Desk, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered while it was allowed, refused when it is used."""
    from gateway.webhooks.addresses import Guard

    with receiving() as receiver:
        webhook = desk.webhook(receiver.url.replace("http:", "https:"))
        desk.happens(held())
        worker(guard=Guard()).round()
    assert receiver.got == []
    assert [e["error_code"] for e in desk.deliveries(webhook)] == ["address_not_public"]


# -- what a person asks for -------------------------------------------------------------------------------------------


def test_test_and_redeliver(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url, role="sales")
        asked = desk.call("test_webhook", "sales", id=webhook["id"])
        assert asked["status"] == "pending" and asked["kind"] == "test"
        driven = worker()
        driven.round()
        event = receiver.got[0].verified(webhook["secret"])
        assert event["type"] == "liaison.gateway.webhook.tested.v1" and event["id"] == receiver.got[0].id
        assert event["data"] == {"webhook_id": webhook["id"], "asked_by": desk.user("sales")}
        (sent,) = desk.happens(held())
        driven.round()
        for entry in desk.deliveries(webhook):
            given = {"id": webhook["id"], "delivery_id": entry["id"]}
            assert desk.call("redeliver_webhook_delivery", "sales", **given)["status"] == "pending"
        driven.round()
    assert sorted(receiver.ids()) == sorted([asked["event_id"], sent] * 2)
    assert [(e["kind"], e["status"]) for e in desk.deliveries(webhook)] == [
        ("test", "delivered"), ("event", "delivered"), ("redelivery", "delivered"), ("redelivery", "delivered")
    ]  # fmt: skip
    assert receiver.got[2].verified(webhook["secret"])


def test_a_failed_test_is_shown_and_not_repeated(desk: Desk, worker: Make) -> None:
    with receiving(lambda *_: (500, {}, b"broken")) as receiver:
        webhook = desk.webhook(receiver.url, active=False)
        desk.call("test_webhook", id=webhook["id"])
        driven = worker()
        for _ in range(3):
            driven.round()
    (entry,) = desk.deliveries(webhook)
    assert (entry["status"], entry["status_code"], entry["answer"], len(receiver.got)) == ("failed", 500, "broken", 1)


def test_a_redelivery_of_what_one_may_no_longer_see_is_not_sent(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url, role="sales")
        desk.happens(held())
        driven = worker()
        driven.round()
        (entry,) = desk.deliveries(webhook)
        desk.call("redeliver_webhook_delivery", "sales", id=webhook["id"], delivery_id=entry["id"])
        desk.sql("UPDATE app_user SET roles = '{hr}' WHERE id = :id", id=desk.user("sales"))
        driven.round()
    assert len(receiver.got) == 1
    assert [e["error_code"] for e in desk.deliveries(webhook)] == [None, "not_visible"]


def test_what_is_no_longer_kept_cannot_be_sent_again(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url)
        desk.happens(held())
        worker().round()
    desk.sql("DELETE FROM event_store")
    (entry,) = desk.deliveries(webhook)
    with pytest.raises(EventForgotten):
        desk.call("redeliver_webhook_delivery", id=webhook["id"], delivery_id=entry["id"])


def test_not_too_much_is_asked_for_by_hand(desk: Desk) -> None:
    webhook = desk.webhook("https://127.0.0.1:8443/")
    for _ in range(MOST_WAITING):
        desk.call("test_webhook", id=webhook["id"])
    with pytest.raises(TooManyWaiting):
        desk.call("test_webhook", id=webhook["id"])


def test_the_log_is_kept_for_thirty_days(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url)
        desk.happens(held())
        worker().round()
    for days, left in ((29, 1), (31, 0)):
        with clock.shifted(timedelta(days=days)):
            desk.harness.tick("forget_old_deliveries")
        assert len(desk.deliveries(webhook)) == left


def test_the_signature_of_a_rotation_satisfies_both(desk: Desk, worker: Make) -> None:
    with receiving() as receiver:
        webhook = desk.webhook(receiver.url)
        new = desk.call("rotate_secret_webhook", id=webhook["id"])["secret"]
        desk.happens(held())
        driven = worker()
        driven.round()
        assert receiver.got[0].verified(webhook["secret"]) == receiver.got[0].verified(new)
        desk.happens(held())
        with clock.shifted(timedelta(hours=25)):
            driven.round()
        assert len(receiver.got[1].headers["webhook-signature"].split(" ")) == 1
