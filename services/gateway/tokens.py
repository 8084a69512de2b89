"""Access tokens: signed with Ed25519, valid for ten minutes, verified once and then known by their digest."""

import hashlib
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.access import Principal
from gateway.errors import Unauthenticated
from gateway.models import User
from gateway.roles import permissions_of

ISSUER = AUDIENCE = "liaison"
LIFETIME = 600
LEEWAY = 30
LONGEST = 4096
KNOWN = 20_000


class Tokens:
    """Issues access tokens and verifies them. A user who is deactivated keeps a valid token for up to LIFETIME."""

    def __init__(self, key_file: str) -> None:
        self._key = _load(key_file)
        public = self._key.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._key_id = hashlib.sha256(raw).hexdigest()[:16]
        self._keys: dict[str, Ed25519PublicKey] = {self._key_id: public}
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def issue(self, user: User) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user.id),
            "iat": now,
            "exp": now + LIFETIME,
            "jti": uuid4().hex,
            "name": user.name,
            "roles": user.roles,
            "company_id": str(user.company_id),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._key_id})

    def principal(self, authorization: str) -> Principal:
        """Whom the Authorization header speaks for. Raises Unauthenticated, always the same, whatever is wrong."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
            raise Unauthenticated
        digest = hashlib.sha256(token.encode("latin-1")).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._verify(token)
            self._known[digest] = known
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        if known.expires_at + LEEWAY <= time.time():
            self._known.pop(digest, None)
            raise Unauthenticated(presented=True)
        return known

    def _verify(self, token: str) -> Principal:
        """The algorithm is fixed here; `kid` only chooses among our own keys; `jku`, `x5u`, `jwk` are not looked at."""
        try:
            key = self._keys[str(jwt.get_unverified_header(token).get("kid"))]
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
            )
            return _principal(claims)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Unauthenticated(presented=True) from None


def _principal(claims: dict[str, Any]) -> Principal:
    roles = tuple(str(role) for role in claims["roles"])
    return Principal(
        id=str(claims["sub"]),
        name=str(claims["name"]),
        roles=roles,
        permissions=permissions_of(roles),
        company_id=str(claims["company_id"]),
        expires_at=float(claims["exp"]),
        token_id=str(claims["jti"]),
    )


def _load(key_file: str) -> Ed25519PrivateKey:
    """Read the signing key. Raises SystemExit when it is not an Ed25519 key, or when others may read it."""
    path = Path(key_file)
    if path.stat().st_mode & 0o077:
        raise SystemExit(f"The signing key {path.name} may be read by others: chmod 600 it.")
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SystemExit(f"The signing key {path.name} is not an Ed25519 key.")
    return key
