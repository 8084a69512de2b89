"""Access tokens: signed with Ed25519, valid for ten minutes, verified once and then known by their digest."""

import hashlib
from collections import OrderedDict
from typing import Any
from uuid import UUID, uuid4

import jwt

from gateway.http.access import Principal
from gateway.identity.built_in import permissions_of
from gateway.models import User
from shared.kernel import clock
from shared.kernel.refusals import Unauthenticated
from shared.kernel.signing import ACCESS, LEEWAY, Keys, Signer

AUDIENCE = "liaison"
LIFETIME = 600
LONGEST = 4096
KNOWN = 20_000


class Tokens:
    """Issues access tokens and verifies them. What their holders may do now, and whether at all, directory.py knows."""

    def __init__(self, signer: Signer, keys: Keys) -> None:
        self._signer, self._keys = signer, keys
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def issue(self, user: User, session: UUID) -> str:
        now = round(clock.seconds(), 3)
        claims = {
            "sub": str(user.id),
            "iat": now,
            "exp": int(now) + LIFETIME,
            "jti": uuid4().hex,
            "sid": str(session),
            "name": user.name,
            "roles": user.roles,
            "company_id": str(user.company_id),
            "companies": None if user.companies is None else [str(one) for one in user.companies],
        }
        return self._signer.sign(ACCESS, AUDIENCE, claims)

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
        if known.expires_at + LEEWAY <= clock.seconds():
            self._known.pop(digest, None)
            raise Unauthenticated(presented=True)
        return known

    def claims_of(self, authorization: str) -> dict[str, Any]:
        """What the token in a header says, which `principal` has found to be good. Raises Unauthenticated."""
        try:
            return self._keys.verify(ACCESS, AUDIENCE, authorization.partition(" ")[2])
        except jwt.InvalidTokenError:
            raise Unauthenticated(presented=True) from None

    def _verify(self, token: str) -> Principal:
        try:
            return principal_of(self._keys.verify(ACCESS, AUDIENCE, token))
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Unauthenticated(presented=True) from None


def principal_of(claims: dict[str, Any]) -> Principal:
    """Whom the claims of a verified token name. Raises KeyError, TypeError or ValueError."""
    roles = tuple(str(role) for role in claims["roles"])
    return Principal(
        id=str(claims["sub"]),
        name=str(claims["name"]),
        roles=roles,
        permissions=permissions_of(roles),
        company_id=str(claims["company_id"]),
        companies=None if claims["companies"] is None else tuple(str(one) for one in claims["companies"]),
        issued_at=float(claims["iat"]),
        expires_at=float(claims["exp"]),
        token_id=str(claims["jti"]),
        session=UUID(claims["sid"]) if "sid" in claims else None,
    )
