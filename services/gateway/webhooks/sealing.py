"""Secrets at rest: AES-256-GCM with a key that is not in the database, bound to the webhook they belong to.

A sealed secret is the id of the key (4 bytes), a nonce (12 bytes) and the ciphertext with its tag. The key file holds
32 bytes in base64 on each line: the first seals, all open, so a key is changed by putting a new one in front.
"""

import base64
import binascii
import hashlib
import secrets
from functools import cache
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.kernel.settings import required

_KEY_BYTES, _ID_BYTES, _NONCE_BYTES = 32, 4, 12


class Unopenable(Exception):
    """No key of the file opens this: it was sealed for another webhook, changed, or its key was removed too early."""


class Vault:
    """Seals and opens. Raises SystemExit when the file holds no key or others may read it."""

    def __init__(self, key_file: Path) -> None:
        if key_file.stat().st_mode & 0o077:
            raise SystemExit(f"The key {key_file.name} may be read by others: chmod 600 it.")
        keys = [_decoded(line, key_file.name) for line in key_file.read_text(encoding="ascii").split()]
        if not keys:
            raise SystemExit(f"The key file {key_file.name} is empty.")
        self._ciphers = {_id(key): AESGCM(key) for key in keys}
        self._first = _id(keys[0])

    def seal(self, secret: str, webhook_id: UUID) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return self._first + nonce + self._ciphers[self._first].encrypt(nonce, secret.encode(), webhook_id.bytes)

    def open(self, sealed: bytes, webhook_id: UUID) -> str:
        """Raises Unopenable."""
        key_id, nonce = sealed[:_ID_BYTES], sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            content = sealed[_ID_BYTES + _NONCE_BYTES :]
            return self._ciphers[key_id].decrypt(nonce, content, webhook_id.bytes).decode()
        except (KeyError, InvalidTag, ValueError):
            raise Unopenable from None


@cache
def vault() -> Vault:
    """The vault of this process; its key file is named by LIAISON_WEBHOOK_KEY_FILE."""
    return Vault(Path(required("LIAISON_WEBHOOK_KEY_FILE")))


def _decoded(line: str, name: str) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SystemExit(f"The key file {name} holds something else than {_KEY_BYTES} bytes in base64 on a line.")
    return key


def _id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:_ID_BYTES]
