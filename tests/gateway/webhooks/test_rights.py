"""With whose rights a webhook is told, and who may lay hands on it."""

from collections.abc import Callable
from uuid import UUID

from tests.gateway.webhooks.conftest import Desk, Driven, held
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
            again = desk.call("patch_webhook", id=webhook["id"], body={"active": True}, if_match="*")
            assert again["api_key_id"] is None
            worker().round()
            assert receiver.ids(f"/{name}") == before + missed
