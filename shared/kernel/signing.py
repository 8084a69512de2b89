"""Ed25519 signatures: one key signs access tokens for clients and, of another type, statements for services.

A document is a JWT whose `typ` and `aud` say what it is for and for whom; neither passes for the other. Public keys
come as a JWK set (RFC 7517, RFC 8037). Two may be in it while one replaces the other.
"""

import base64
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.kernel import clock

ISSUER = "liaison"
ACCESS = "at+jwt"
"""The type of an access token (RFC 9068)."""

CALLER = "caller+jwt"
"""The type of a statement that tells one service who calls it."""

LEEWAY = 30
"""Seconds by which clocks may differ."""

_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
_TIMES_BY_THE_CLOCK: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
"""PyJWT compares with the machine's time; `_check_times` compares with the clock's."""


class Signer:
    """Signs with the private key. Raises SystemExit when the file is not such a key or others may read it."""

    def __init__(self, key_file: str) -> None:
        self._key = _load(Path(key_file))
        self.public = self._key.public_key()
        self.key_id = key_id(self.public)

    def sign(self, kind: str, audience: str, claims: dict[str, Any]) -> str:
        """`claims` name at least sub, iat and exp."""
        content = {"iss": ISSUER, "aud": audience, **claims}
        return jwt.encode(content, self._key, algorithm="EdDSA", headers={"kid": self.key_id, "typ": kind})


class Keys:
    """Verifies with the public keys of a JWK set file, which is read again when an unknown key id comes."""

    def __init__(self, file: str = "", own: Ed25519PublicKey | None = None) -> None:
        self._file = Path(file) if file else None
        self._own = {key_id(own): own} if own else {}
        self._read_at = 0
        self._lock = threading.Lock()
        self._keys = dict(self._own)
        self._refresh()

    def verify(self, kind: str, audience: str, token: str, now: float | None = None) -> dict[str, Any]:
        """The claims. The algorithm is fixed here; `kid` only chooses among our keys; `jku`, `x5u`, `jwk` are not
        looked at. Raises jwt.InvalidTokenError for whatever is wrong. `now` is that of the clock unless it is given."""
        header = jwt.get_unverified_header(token)
        if header.get("typ") != kind:
            raise jwt.InvalidTokenError("another type")
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key(str(header.get("kid"))),
            algorithms=["EdDSA"],
            audience=audience,
            issuer=ISSUER,
            options={"require": _REQUIRED, "strict_aud": True} | _TIMES_BY_THE_CLOCK,
        )
        _check_times(claims, clock.seconds() if now is None else now)
        return claims

    def _key(self, wanted: str) -> Ed25519PublicKey:
        if wanted not in self._keys:
            self._refresh()
        try:
            return self._keys[wanted]
        except KeyError:
            raise jwt.InvalidTokenError("unknown key") from None

    def _refresh(self) -> None:
        """Read the file if it has changed. Raises OSError or ValueError at the start, when there is no usable one."""
        if self._file is None:
            return
        with self._lock:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read_at:
                self._keys = {**public_keys(self._file.read_text(encoding="utf-8")), **self._own}
                self._read_at = changed


def _check_times(claims: dict[str, Any], now: float) -> None:
    """As RFC 7519 has them (sections 4.1.4 to 4.1.6). Raises jwt.InvalidTokenError."""
    try:
        expires, issued, begins = float(claims["exp"]), float(claims["iat"]), float(claims.get("nbf", 0))
    except (TypeError, ValueError, OverflowError):
        raise jwt.DecodeError("times are numbers") from None
    if not expires > now - LEEWAY:
        raise jwt.ExpiredSignatureError("expired")
    if not max(issued, begins) <= now + LEEWAY:
        raise jwt.ImmatureSignatureError("not yet valid")


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the key itself: nobody chooses it."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_keys(text: str) -> dict[str, Ed25519PublicKey]:
    """The keys of a JWK set by their id. Raises ValueError when it holds none, or another kind."""
    try:
        entries = json.loads(text)["keys"]
        keys = [Ed25519PublicKey.from_public_bytes(_decoded(entry)) for entry in entries]
    except (KeyError, TypeError, ValueError):
        raise ValueError("this is no set of Ed25519 public keys") from None
    if not keys:
        raise ValueError("there is no public key")
    return {key_id(key): key for key in keys}


def key_set(*keys: Ed25519PublicKey) -> str:
    """A JWK set as text."""
    entries = [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": key_id(key), "x": _encoded(key)} for key in keys]
    return json.dumps({"keys": entries}, indent=2) + "\n"


def _encoded(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(entry: dict[str, Any]) -> bytes:
    if entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        raise ValueError
    return base64.urlsafe_b64decode(entry["x"] + "=")


def _load(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise SystemExit(f"The signing key {path.name} may be read by others: chmod 600 it.")
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SystemExit(f"The signing key {path.name} is not an Ed25519 key.")
    return key
