"""OpenID Connect with one provider: discovery, code exchange with PKCE, and the check of the ID token.

Nothing here asks the client where to go: provider and return address are settings. Blocks: for worker threads.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from gateway.identity.outbound import OutboundFailed, check_address, fetch_json

ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""What a key of each kind may sign with; nothing else, and never what the token asks for."""

DISCOVERED_FOR = 3600.0
KEYS_AGAIN_AFTER = 30.0
LEEWAY = 30


@dataclass(frozen=True)
class Provider:
    """Settings: the provider, and how Liaison is registered with it. `default_roles` let unknown users in."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    default_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trip:
    """What is remembered of a sign-in between its start and its return."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Trip":
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def challenge(self) -> str:
        """S256 of the verifier (RFC 7636)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for, by a verified address."""

    email: str
    name: str


class IdentityRefused(Exception):
    """The text is for the log and the list of sign-ins."""


class Client:
    """The provider as its document describes it, read when needed."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._document: dict[str, Any] = {}
        self._discovered_at = self._keys_at = float("-inf")
        self._keys: dict[str, jwt.PyJWK] = {}
        self._lock = threading.Lock()

    def authorization_url(self, trip: Trip) -> str:
        """Where to send the browser. Raises OutboundFailed."""
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.provider.redirect_uri,
            "scope": "openid email profile",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
        }
        address = self._endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    def identity(self, code: str, trip: Trip) -> Identity:
        """Exchange a code. Raises OutboundFailed or IdentityRefused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.provider.redirect_uri,
            "code_verifier": trip.verifier,
        }
        pair = f"{quote(self.provider.client_id, safe='')}:{quote(self.provider.client_secret, safe='')}"
        headers = {"Authorization": "Basic " + b64encode(pair.encode()).decode()}
        answer = fetch_json(self._endpoint("token_endpoint"), form, headers)
        return _identity(self._verified(answer.get("id_token"), trip))

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _verified(self, token: Any, trip: Trip) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core, 3.1.3.7)."""
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHMS[str(key.key_type)]],
                audience=self.provider.client_id,
                issuer=self.provider.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise IdentityRefused(f"ID token: {type(error).__name__}") from None
        if not hmac.compare_digest(str(claims["nonce"]).encode(), trip.nonce.encode()):
            raise IdentityRefused("ID token: nonce")
        if claims["aud"] != self.provider.client_id and claims.get("azp") != self.provider.client_id:
            raise IdentityRefused("ID token: azp")
        return claims

    def _key(self, kid: Any) -> jwt.PyJWK:
        """The key with this id, among the provider's own; they are read again, seldom, when it is new."""
        with self._lock:
            if kid not in self._keys and time.monotonic() - self._keys_at > KEYS_AGAIN_AFTER:
                self._keys_at = time.monotonic()
                self._keys = _keys(fetch_json(self._endpoint("jwks_uri")))
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys[kid]

    def _endpoint(self, name: str) -> str:
        if time.monotonic() - self._discovered_at > DISCOVERED_FOR:
            issuer = self.provider.issuer
            found = fetch_json(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise OutboundFailed("the provider calls itself by another name")
            self._document, self._discovered_at = found, time.monotonic()
        address = self._document.get(name)
        if not isinstance(address, str):
            raise OutboundFailed(f"the provider has no {name}")
        check_address(address)
        return address


def _keys(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Signing keys of the kinds that are allowed; others are passed over."""
    found = {}
    for entry in document.get("keys") or ():
        if isinstance(entry, dict) and entry.get("kty") in ALGORITHMS and entry.get("use", "sig") == "sig":
            try:
                found[str(entry.get("kid"))] = jwt.PyJWK(entry, algorithm=ALGORITHMS[entry["kty"]])
            except jwt.PyJWTError:
                continue
    return found


def _identity(claims: dict[str, Any]) -> Identity:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise IdentityRefused("no verified e-mail address")
    return Identity(email, str(claims.get("name") or email.partition("@")[0])[:200])
