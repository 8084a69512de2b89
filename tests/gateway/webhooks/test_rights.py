"""With whose rights a webhook is told, and who may lay hands on it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from shared.api.rights import MoreThanOwn
from shared.kernel.ids import new_id
from tests.gateway.webhooks.conftest import Desk, Driven, held, registered
from tests.gateway.webhooks.receiver import receiving

Make = Callable[..., Driven]


def test_a_webhook_ends_with_the_key_that_it_was_aimed_with(desk: Desk, worker: Make) -> None:
    """A1. Revoked, expired or forgotten; its owner may aim it again."""
    ends = {
        "revoked": "UPDATE api_key SET revoked_at = now()",
        "expired": "UPDATE api_key SET expires_at = now()",
        "forgotten": "DELETE FROM api_key",
    }
    with receiving() as receiver:
        for name, statement in ends.items():
            key = desk.call("create_api_key", body={"name": name, "scopes": ["*"]})
            webhook = desk.webhook(f"{receiver.url}/{name}", api_key=UUID(key["id"]))
            assert webhook["api_key_id"] == key["id"]
            before = desk.happens(held())
            worker().round()
            desk.sql(f"{statement} WHERE id = :id", id=key["id"])
            missed = desk.happens(held())
            worker().round()
            assert receiver.ids(f"/{name}") == before
            assert desk.call("get_webhook", id=webhook["id"])["disabled_reason"] == "key_ended"
            again = desk.call("update_webhook", id=webhook["id"], body={"active": True}, if_match="*")
            assert again["api_key_id"] is None
            worker().round()
            assert receiver.ids(f"/{name}") == before + missed


def test_nobody_sees_more_through_a_webhook(desk: Desk, worker: Make) -> None:
    """Neither a key of few scopes through its owner's webhook, nor whoever may change the webhooks of others."""
    few = ("gateway.webhooks:read", "gateway.webhooks:write", "contacts.contacts:read")
    with receiving() as receiver:
        by_key = desk.webhook(receiver.url + "/key", permissions=few)
        mine = desk.webhook(receiver.url + "/mine")
        other_company = desk.webhook(receiver.url + "/company", companies=(new_id(),))
        turned = desk.webhook(receiver.url + "/admins")
        aimed: dict[str, Any] = {"id": turned["id"], "permissions": few}
        for operation, given in {
            "update_webhook": {"body": {"url": receiver.url + "/hr"}, "if_match": 1},
            "rotate_secret_webhook": {},
            "test_webhook": {},
            "delete_webhook": {"if_match": 1},
        }.items():
            with pytest.raises(MoreThanOwn):  # A4
                desk.call(operation, "hr", **aimed, **given)
        order, contact = desk.happens(held(), registered())
        worker().round()
        assert (receiver.ids("/key"), receiver.ids("/hr")) == ([contact], [])
        assert receiver.ids("/mine") == [order, contact] and receiver.ids("/company") == []
        desk.call("update_webhook", id=by_key["id"], body={"event_types": ["#"]}, if_match=1)
        more = desk.happens(held())
        worker().round()
    assert receiver.ids("/key") == [contact, *more], "its owner with all their rights aimed it again"
    assert {w["id"] for w in desk.call("list_webhooks")["data"]} == {
        w["id"] for w in (by_key, mine, other_company, turned)
    }
