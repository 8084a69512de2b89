"""API keys: `lia_<8 characters to find it by>_<32 random bytes>_<checksum>`.

The checksum tells a mistyped key, and a secret scanner a real one, without asking the database. The key itself is
random enough for a plain SHA-256; it is compared in constant time.
"""

import hashlib
import hmac
import re
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "lia_"
_FORM = re.compile(r"lia_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})")


def new() -> tuple[str, str]:
    """A key that never was, and its public part."""
    key_id = "".join(secrets.choice(ALPHABET) for _ in range(8))
    body = f"{PREFIX}{key_id}_{_base62(secrets.randbits(256), 43)}"
    return f"{body}_{_checksum(body)}", key_id


def public_part(key: str) -> str | None:
    """What to look a key up by; None for what cannot be one."""
    formed = _FORM.fullmatch(key)
    if formed is None or not hmac.compare_digest(_checksum(key.rpartition("_")[0]), formed[3]):
        return None
    return formed[1]


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def same(stored: bytes, key: str) -> bool:
    """Whether a key is the one whose digest was stored."""
    return hmac.compare_digest(stored, digest(key))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = ALPHABET[rest] + digits
    return digits.rjust(width, ALPHABET[0])
