"""What we sign, receivers verify with a library that is not ours; and what was forged, they refuse."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.keys import ensure_webhook_key
from gateway.webhooks import signing
from gateway.webhooks.sealing import Unopenable, Vault

BODY = json.dumps({"type": "liaison.crm_sales.order.placed.v1", "data": {"note": "Café · 12 €"}}).encode()


def _signed(*keys: str, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    return signing.headers("msg-1", at or datetime.now(UTC), body, keys)


def test_a_receiver_accepts_it() -> None:
    secret = signing.new_secret()
    assert secret.startswith("whsec_") and len(base64.b64decode(secret[6:])) == 32
    assert Webhook(secret).verify(BODY, _signed(secret)) == json.loads(BODY)


def test_it_equals_the_signature_of_the_independent_library() -> None:
    secret, at = signing.new_secret(), datetime(2026, 3, 31, 9, 30, 15, tzinfo=UTC)
    assert _signed(secret, at=at)["webhook-signature"] == Webhook(secret).sign("msg-1", at, BODY.decode())


def test_both_secrets_are_accepted_during_rotation_and_the_old_one_no_longer_afterwards() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    during = _signed(new, old)
    assert len(during["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, during)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, _signed(new))


@pytest.mark.parametrize("position", [0, len(BODY) // 2, len(BODY) - 2])
def test_one_changed_byte_is_noticed(position: int) -> None:
    secret = signing.new_secret()
    forged = BODY[:position] + bytes([BODY[position] ^ 1]) + BODY[position + 1 :]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(forged.decode("latin-1"), _signed(secret))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replay_after_five_minutes_is_refused(minutes: int) -> None:
    secret = signing.new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, _signed(secret, at=datetime.now(UTC) + timedelta(minutes=minutes)))


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_signed_or_checked(header: str) -> None:
    secret = signing.new_secret()
    sent = _signed(secret)
    later = str(int(sent["webhook-timestamp"]) + 1)
    changed = {"webhook-id": "msg-2", "webhook-timestamp": later, "webhook-signature": "v1," + "A" * 44}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, {**sent, header: changed[header]})


def test_one_valid_signature_of_a_list_is_enough() -> None:
    secret = signing.new_secret()
    sent = _signed(secret)
    listed = f"v1,{'A' * 43}= {sent['webhook-signature']} v2,unknown"
    assert Webhook(secret).verify(BODY, {**sent, "webhook-signature": listed})


# -- at rest ----------------------------------------------------------------------------------------------------------


def test_a_sealed_secret_opens_for_its_webhook_only(tmp_path: Path) -> None:
    vault = Vault(ensure_webhook_key(tmp_path / "webhook-key"))
    secret, webhook = signing.new_secret(), uuid4()
    sealed = vault.seal(secret, webhook)
    assert vault.open(sealed, webhook) == secret and secret.encode() not in sealed
    assert vault.seal(secret, webhook) != sealed
    for other, content in ((uuid4(), sealed), (webhook, sealed[:-1] + bytes([sealed[-1] ^ 1])), (webhook, b"")):
        with pytest.raises(Unopenable):
            vault.open(content, other)


def test_the_key_is_changed_by_putting_a_new_one_in_front(tmp_path: Path) -> None:
    old, new = ensure_webhook_key(tmp_path / "old"), ensure_webhook_key(tmp_path / "new")
    webhook = uuid4()
    sealed = Vault(old).seal("whsec_x", webhook)
    both = tmp_path / "both"
    both.write_text(new.read_text() + old.read_text())
    both.chmod(0o600)
    assert Vault(both).open(sealed, webhook) == "whsec_x"
    assert Vault(new).open(Vault(both).seal("whsec_y", webhook), webhook) == "whsec_y"
    with pytest.raises(Unopenable):
        Vault(new).open(sealed, webhook)


@pytest.mark.parametrize("content", ["", "no base64!", base64.b64encode(b"short").decode()])
def test_a_key_that_is_none_stops_the_process(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(SystemExit):
        Vault(file)


def test_a_key_that_others_may_read_stops_the_process(tmp_path: Path) -> None:
    file = ensure_webhook_key(tmp_path / "key")
    file.chmod(0o644)
    with pytest.raises(SystemExit):
        Vault(file)
