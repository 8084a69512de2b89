"""Sign-in through the identity provider: there with a state in a cookie, back with a code, in with a verified address.

The cookie is a signed document, so any replica can take the browser back; it holds for ten minutes and one browser.
"""

import hmac
import logging
from typing import Any

import jwt
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from gateway.errors import OidcRefused, RouteNotFound
from gateway.http import metrics
from gateway.http.incoming import Incoming
from gateway.http.reading import parse_query
from gateway.identity import accounts, operator
from gateway.identity.auth import Auth
from gateway.identity.oidc import Client, Identity, IdentityRefused, Trip
from gateway.identity.outbound import OutboundFailed
from gateway.models import User
from shared.kernel import clock
from shared.kernel.ids import new_id
from shared.kernel.refusals import Unavailable
from shared.kernel.signing import Keys, Signer
from shared.storage import transaction
from shared.storage.database import new_session

COOKIE = "__Host-liaison-oidc"
AUDIENCE, KIND = "liaison-oidc", "oidc+jwt"
SECONDS = 600
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"

log = logging.getLogger(__name__)


class OidcSignIn:
    """The endpoints of `/v1/auth/oidc`; without a provider in the settings there are none."""

    def __init__(self, auth: Auth, client: Client | None, signer: Signer) -> None:
        self._auth, self._client, self._signer = auth, client, signer
        self._keys = Keys(own=signer.public)

    async def start(self, request: Incoming) -> Response:
        """To the provider. What the client sends along does not matter: there is no return address to choose."""
        client, trip = self._configured(), Trip.new()
        address = await self._auth.at_the_door(
            request, lambda _engine, _address: _reach(client.authorization_url, trip)
        )
        cookie = f"{COOKIE}={self._packed(trip)}; Max-Age={SECONDS}; {_ATTRIBUTES}"
        return Response(
            status_code=302, headers={"location": address, "set-cookie": cookie, "cache-control": "no-store"}
        )

    async def callback(self, request: Incoming) -> Response:
        """Back from the provider. Raises OidcRefused, always the same; the list of sign-ins says why."""
        client = self._configured()
        query = parse_query(request.scope["query_string"])
        trip = self._unpacked(request.cookies.get(COOKIE, ""))
        state, code = query.get("state"), query.get("code")
        if trip is None or not isinstance(state, str) or not isinstance(code, str):
            raise OidcRefused
        if not hmac.compare_digest(state.encode(), trip.state.encode()):
            raise OidcRefused
        signed_in = await self._auth.at_the_door(request, _come_in, client, code, trip)
        metrics.sign_ins.labels("accepted").inc()
        answer = self._auth.answer(signed_in)
        answer.headers["set-cookie"] = f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"
        return answer

    def _configured(self) -> Client:
        if self._client is None:
            raise RouteNotFound
        return self._client

    def _packed(self, trip: Trip) -> str:
        now = int(clock.seconds())
        claims = {"sub": trip.state, "nonce": trip.nonce, "verifier": trip.verifier, "iat": now, "exp": now + SECONDS}
        return self._signer.sign(KIND, AUDIENCE, claims)

    def _unpacked(self, cookie: str) -> Trip | None:
        try:
            claims = self._keys.verify(KIND, AUDIENCE, cookie[:4096])
            return Trip(claims["sub"], claims["nonce"], claims["verifier"])
        except (jwt.InvalidTokenError, KeyError):
            return None


def _come_in(engine: Engine, client: Client, code: str, trip: Trip, address: str) -> accounts.SignedIn:
    """The user with the verified address, with a first refresh token. Raises OidcRefused or Unavailable."""
    try:
        identity = _reach(client.identity, code, trip)
        user = _known(engine, identity) or _made(engine, identity, client.provider.default_roles)
    except IdentityRefused as refused:
        metrics.sign_ins.labels("refused").inc()
        _note_refusal(engine, address, str(refused))
        raise OidcRefused from None
    with new_session(engine) as session:
        begun = accounts.begin_session(session, user, address, "oidc")
        session.commit()
    return begun


def _known(engine: Engine, identity: Identity) -> User | None:
    with new_session(engine) as session:
        user = session.scalar(select(User).where(User.email == accounts.normal(identity.email)))
    if user is not None and not user.active:
        raise IdentityRefused("not active")
    return user


def _made(engine: Engine, identity: Identity, roles: tuple[str, ...]) -> User:
    """A user that nobody made before, where the settings say with which roles; published like every other."""
    if not roles:
        raise IdentityRefused("no such user")

    def work(session: Session) -> User:
        user = User(id=new_id(), email=accounts.normal(identity.email), name=identity.name, roles=list(roles))
        operator.add(session, user)
        return user

    return transaction.run(engine, operator.acting("oidc"), work, action=operator.CREATE, repeatable=False)


def _reach(work: Any, *given: Any) -> Any:
    try:
        return work(*given)
    except OutboundFailed as error:
        log.warning("identity provider", extra={"reason": str(error)})
        raise Unavailable from None


def _note_refusal(engine: Engine, address: str, reason: str) -> None:
    with new_session(engine) as session:
        accounts.note(session, "oidc_refused", address, detail=reason)
        session.commit()
