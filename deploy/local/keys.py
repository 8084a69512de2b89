"""The key with which the gateway signs access tokens, made at the first start."""

from __future__ import annotations

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
