"""The keys of the gateway, made at the first start: one signs who calls, one seals the secrets of webhooks."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from deploy.local.files import write_private


def ensure_signing_key(path: Path) -> Path:
    """An Ed25519 private key in PEM; only this user can read it."""
    if not path.exists():
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(path, pem.decode("ascii"))
    return path


def write_public_key(private: Path) -> Path:
    """The set of public keys beside the private one; services verify with it.

    When the private key was replaced, the one before it stays in the set: what it signed is still on its way.
    """
    from shared.kernel.signing import Signer, key_set, public_keys

    path = private.with_name("caller-keys.json")
    signer = Signer(str(private))
    known = public_keys(path.read_text(encoding="utf-8")) if path.exists() else {}
    before = [key for name, key in known.items() if name != signer.key_id][:1]
    write_private(path, key_set(signer.public, *before))
    return path


def ensure_webhook_key(path: Path) -> Path:
    """32 random bytes in base64; only this user can read it."""
    if not path.exists():
        write_private(path, base64.b64encode(secrets.token_bytes(32)).decode("ascii") + "\n")
    return path
