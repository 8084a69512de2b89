"""The life of a webhook, who may know of it, and where its secret is."""

import json
from typing import Any
from uuid import uuid4

import pytest

from gateway.webhooks import registry
from gateway.webhooks.errors import OnlyUsersOwnWebhooks, TooManyWebhooks
from shared.contracts import gateway as contract
from shared.kernel import clock
from shared.kernel.refusals import IdConflict, Invalid, NotFound, StaleVersion
from tests.gateway.webhooks.conftest import Desk

HTTPS, HTTP = "https:" + "//", "http:" + "//"
URL = "https://127.0.0.1:8443/hooks?key=of-the-receiver"


def _codes(refused: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in refused.value.errors}


def test_a_life(desk: Desk) -> None:
    made = desk.webhook(URL, "crm_sales.order.*")
    assert made["active"] and made["event_types"] == ["crm_sales.order.*"] and made["owner_id"] == desk.user("admin")
    (created,) = desk.harness.published()
    assert isinstance(created, contract.WebhookCreated)
    assert (created.host, created.event_types) == ("127.0.0.1", ["crm_sales.order.*"])
    assert "of-the-receiver" not in json.dumps(created.to_data())

    assert desk.call("get_webhook", id=made["id"]) == {k: v for k, v in made.items() if k != "secret"}
    changed = desk.call("update_webhook", id=made["id"], body={"active": False}, if_match=1)
    assert not changed["active"] and changed["disabled_reason"] is None and changed["version"] == 2
    with pytest.raises(StaleVersion):
        desk.call("update_webhook", id=made["id"], body={"active": True}, if_match=1)
    desk.call("delete_webhook", id=made["id"], if_match=2)
    with pytest.raises(NotFound):
        desk.call("get_webhook", id=made["id"])
    assert [type(e) for e in desk.harness.published()] == [contract.WebhookUpdated, contract.WebhookDeleted]
    for table in ("webhook", "webhook_secret", "webhook_progress", "webhook_delivery"):
        assert desk.sql(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_the_secret_is_told_once_and_kept_nowhere_in_the_clear(desk: Desk) -> None:
    body = {"id": str(uuid4()), "url": URL, "event_types": ["#"]}
    first = desk.call("create_webhook", body=body, key="create-the-webhook-1")
    assert first["secret"].startswith("whsec_")
    again = desk.call("create_webhook", body=body, key="create-the-webhook-1")
    by_id = desk.call("create_webhook", body=body)
    assert "secret" not in again and by_id["secret"] is None
    assert {**again, "secret": None} == by_id == {**first, "secret": None}
    rotated = desk.call("rotate_secret_webhook", id=first["id"], key="rotate-the-secret-1")
    assert rotated["secret"] not in (None, first["secret"]) and rotated["version"] == 2
    assert desk.call("rotate_secret_webhook", id=first["id"], key="rotate-the-secret-1").get("secret") is None
    kept = ""
    for table in ("webhook", "webhook_secret", "idempotency", "audit", "outbox"):
        kept += json.dumps(desk.sql(f"SELECT t::text FROM {table} AS t"))
    for secret in (first["secret"], rotated["secret"]):
        assert secret not in kept and secret.removeprefix("whsec_") not in kept
        assert secret.encode().hex() not in kept
    with pytest.raises(IdConflict):
        desk.call("create_webhook", body={**body, "description": "another"})


def test_of_many_rotations_only_the_newest_secrets_sign(desk: Desk) -> None:
    from datetime import timedelta

    made = desk.webhook(URL)
    for _ in range(6):
        desk.call("rotate_secret_webhook", id=made["id"])
    assert desk.sql("SELECT count(*), count(expires_at) FROM webhook_secret") == [(4, 3)]
    with clock.shifted(timedelta(hours=25)):
        desk.call("rotate_secret_webhook", id=made["id"])
    assert desk.sql("SELECT count(*), count(expires_at) FROM webhook_secret") == [(2, 1)]


def test_everybody_has_their_own(desk: Desk) -> None:
    mine = desk.webhook(URL, role="integration")
    for operation, given in {
        "get_webhook": {},
        "list_webhook_deliveries": {},
        "test_webhook": {},
        "rotate_secret_webhook": {},
        "update_webhook": {"body": {"active": False}, "if_match": 1},
        "delete_webhook": {"if_match": 1},
        "redeliver_webhook_delivery": {"delivery_id": str(uuid4())},
    }.items():
        with pytest.raises(NotFound):
            desk.call(operation, "sales", id=mine["id"], **given)
    assert desk.call("list_webhooks", "sales")["data"] == []
    assert desk.call("history_of_webhooks", "integration", id=mine["id"])["data"]
    with pytest.raises(NotFound):
        desk.call("history_of_webhooks", "sales", id=mine["id"])
    with pytest.raises(NotFound):  # not "stale", which would tell that there is one
        desk.call("update_webhook", "sales", id=mine["id"], body={"active": False}, if_match=9)
    assert [w["id"] for w in desk.call("list_webhooks", "integration")["data"]] == [mine["id"]]
    assert [w["id"] for w in desk.call("list_webhooks", "admin", query={"active": "true"})["data"]] == [mine["id"]]
    assert desk.call("get_webhook", "auditor", id=mine["id"])["id"] == mine["id"]
    with pytest.raises(NotFound):
        desk.call("rotate_secret_webhook", "auditor", id=mine["id"])


def test_a_webhook_needs_a_user(desk: Desk) -> None:
    for nobody in ("system", str(uuid4())):
        with pytest.raises(OnlyUsersOwnWebhooks):
            desk.call("create_webhook", actor=nobody, body={"url": URL, "event_types": ["#"]})


def test_there_is_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_PER_USER", 2)
    desk.webhook(URL)
    desk.webhook(URL)
    with pytest.raises(TooManyWebhooks):
        desk.webhook(URL)
    desk.webhook(URL, role="sales")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"/url": "required", "/event_types": "required"}),
        ({"url": f"{HTTPS}10.0.0.1/", "event_types": ["#"]}, {"/url": "address_not_public"}),
        ({"url": f"{HTTPS}169.254.169.254/", "event_types": ["#"]}, {"/url": "address_not_public"}),
        ({"url": f"{HTTP}10.0.0.1/", "event_types": ["#"]}, {"/url": "address_not_public"}),
        ({"url": "https://a:b@127.0.0.1/", "event_types": ["#"]}, {"/url": "url_with_credentials"}),
        ({"url": "file:///etc/passwd", "event_types": ["#"]}, {"/url": "url_not_https"}),
        ({"url": "https://127.0.0.1:25/", "event_types": ["#"]}, {"/url": "port_not_allowed"}),
        ({"url": URL, "event_types": []}, {"/event_types": "too_short"}),
        ({"url": URL, "event_types": ["#"] * 51}, {"/event_types": "too_long"}),
        ({"url": URL, "event_types": ["crm_sales.order.placd", "#", "x"]},
         {"/event_types/0": "unknown_event_type", "/event_types/2": "unknown_event_type"}),
        ({"url": URL, "event_types": ["#"], "secret": "whsec_mine"}, {"/secret": "unknown_field"}),
        ({"url": URL, "event_types": ["#"], "active": "yes"}, {"/active": "invalid_type"}),
        ({"url": URL, "event_types": "#", "description": "x" * 501},
         {"/event_types": "invalid_type", "/description": "too_long"}),
    ],
)  # fmt: skip
def test_bad_input_is_told_where_and_changes_nothing(desk: Desk, body: Any, errors: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        desk.call("create_webhook", body=body)
    assert _codes(refused) == errors
    assert desk.sql("SELECT count(*) FROM webhook") == [(0,)] and desk.harness.published() == []


def test_a_patch_is_checked_like_a_creation(desk: Desk) -> None:
    made = desk.webhook(URL)
    for body, pointer in (
        ({"url": "https://[::1]/"}, "/url"),
        ({"event_types": ["y"]}, "/event_types/0"),
        ({"url": None}, "/url"),
    ):
        with pytest.raises(Invalid) as refused:
            desk.call("update_webhook", id=made["id"], body=body, if_match=1)
        assert list(_codes(refused)) == [pointer]
    assert desk.call("get_webhook", id=made["id"])["version"] == 1


def test_webhooks_are_not_made_in_bulk() -> None:
    """A remembered answer to a batch would hold their secrets."""
    from shared import contracts

    assert not [route for o in contracts.operations()["gateway"].values() if "webhooks/batch" in (route := o.route)]
