"""Signing in through a real identity provider on loopback, and the many ways in which one must not get in."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import psycopg2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.provision import DatabaseUrls
from gateway.identity.outbound import OutboundFailed, check_address
from tests.gateway.conftest import ADMIN, CLERK, Process
from tests.gateway.provider import CLIENT, SECRET, ProviderServer
from tests.ports import free_port

BACK = "https://liaison.example/v1/auth/oidc/callback"
Start = Callable[..., Process]


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture(scope="module")
def edge(
    provider: ProviderServer, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """A factory of gateways that know the provider."""
    root, started = tmp_path_factory.mktemp("oidc"), []
    secret = root / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)

    def start(**more: str) -> Process:
        env = environment | {
            "LIAISON_OIDC_ISSUER": provider.issuer,
            "LIAISON_OIDC_CLIENT_ID": CLIENT,
            "LIAISON_OIDC_CLIENT_SECRET_FILE": str(secret),
            "LIAISON_OIDC_REDIRECT_URI": BACK,
            "LIAISON_GATEWAY_HTTP_PORT": str(free_port()),
            **more,
        }
        started.append(Process(env, Path(root / f"{len(started)}.log")).start())
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def gate(edge: Start) -> Process:
    return edge()


_addresses = count(2)


def get(url: str, **given: Any) -> httpx.Response:
    """From another address each time: whoever fails often from one address has to wait."""
    transport = httpx.HTTPTransport(local_address=f"127.0.1.{next(_addresses)}")
    with httpx.Client(transport=transport) as client:
        return client.get(url, **given)


def begin(gate: Process, **query: str) -> tuple[str, str]:
    """The provider's address, and the cookie to come back with."""
    answer = get(f"{gate.url}/v1/auth/oidc/start", params=query)
    assert answer.status_code == 302, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-liaison-oidc=") and "Secure; HttpOnly; SameSite=Lax" in cookie
    return answer.headers["location"], cookie.split(";")[0]


def back(gate: Process, code: str, state: str, cookie: str) -> httpx.Response:
    params = {"code": code, "state": state}
    return get(f"{gate.url}/v1/auth/oidc/callback", params=params, headers={"Cookie": cookie} if cookie else {})


def come_in(gate: Process, provider: ProviderServer) -> httpx.Response:
    address, cookie = begin(gate)
    return back(gate, *provider.consent(address), cookie)


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (401, "oidc_refused"), answer.text
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "code", "request_id"}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_there_and_back(gate: Process, provider: ProviderServer, algorithm: str) -> None:
    provider.tell(email=CLERK[0].upper()).algorithm = algorithm
    answer = come_in(gate, provider)
    assert answer.status_code == 200 and "Max-Age=0" in answer.headers["set-cookie"]
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    me = httpx.get(f"{gate.url}/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json()["email"] == CLERK[0]
    again = httpx.post(f"{gate.url}/v1/auth/token", json={"refresh_token": tokens["refresh_token"]})
    assert again.status_code == 200


def test_nobody_chooses_where_to_go(gate: Process, provider: ProviderServer) -> None:
    wanted = {"redirect_uri": "https://evil.example", "return_to": "//evil.example", "issuer": "https://evil.example"}
    address, _ = begin(gate, **wanted)
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{provider.issuer}/authorize?") and asked["redirect_uri"] == [BACK]
    assert "evil" not in address and len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    assert begin(gate)[0] != address


def _wrong(**claims: Any) -> Callable[[ProviderServer], None]:
    def lie(provider: ProviderServer) -> None:
        provider.tell(**{"email": ADMIN[0], **claims})

    return lie


def _signed(**how: Any) -> Callable[[ProviderServer], None]:
    def lie(provider: ProviderServer) -> None:
        provider.tell(email=ADMIN[0])
        for name, value in how.items():
            setattr(provider, name, value)

    return lie


LIES: dict[str, Callable[[ProviderServer], None]] = {
    "unverified address": _wrong(email_verified=False),
    "verified as text": _wrong(email_verified="true"),
    "verified unsaid": _wrong(email_verified=None),
    "no address": _wrong(email=None),
    "address no text": _wrong(email=[ADMIN[0]]),
    "unknown user": _wrong(email="stranger@lamp.example"),
    "other issuer": _wrong(iss="https://evil.example"),
    "other audience": _wrong(aud="another"),
    "audiences without azp": _wrong(aud=[CLIENT, "another"]),
    "no audience": _wrong(aud=None),
    "expired": _wrong(exp=int(time.time()) - 600),
    "no expiry": _wrong(exp=None),
    "from the future": _wrong(iat=int(time.time()) + 3600, nbf=int(time.time()) + 3600),
    "other nonce": _wrong(nonce="another"),
    "no nonce": _wrong(nonce=None),
    "no subject": _wrong(sub=None),
    "unknown key": _signed(headers={"kid": "unknown"}),
    "no key named": _signed(headers={"kid": None}),
    "key as a path": _signed(headers={"kid": "../../dev/null"}),
    "somebody else's key": _signed(key=rsa.generate_private_key(65537, 2048)),
    "a key in the header": _signed(
        key=rsa.generate_private_key(65537, 2048), headers={"jku": "https://evil.example", "kid": "RS256"}
    ),
    "a key of another kind": _signed(algorithm="ES256", headers={"kid": "RS256"}),
    "weak algorithm": _signed(algorithm="HS256", key="k" * 32, headers={"kid": "RS256"}),
    "no algorithm": _signed(
        token=jwt.encode({"email": ADMIN[0], "email_verified": True}, None, "none", headers={"kid": "RS256"})
    ),
    "no token": _signed(token=7),
    "rubbish": _signed(token="a.b.c"),
}


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_what_is_not_believed(gate: Process, provider: ProviderServer, lie: str, database: DatabaseUrls) -> None:
    LIES[lie](provider)
    before = _noted(database)
    try:
        refused(come_in(gate, provider))
    finally:
        provider.tell()
    assert _noted(database) == before + 1
    _calm(gate, provider)


def _noted(database: DatabaseUrls) -> int:
    with psycopg2.connect(database.owner) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sign_in WHERE outcome = 'oidc_refused' AND detail <> ''")
        found: int = cursor.fetchall()[0][0]
    connection.close()
    return found


def _calm(gate: Process, provider: ProviderServer) -> None:
    """The gateway runs on and its log shows no defect."""
    assert httpx.get(f"{gate.url}/livez").status_code == 200
    assert "Traceback" not in gate.log.read_text()


def test_state_cookie_and_code_belong_together(gate: Process, provider: ProviderServer) -> None:
    provider.tell(email=CLERK[0])
    address, cookie = begin(gate)
    other_address, other_cookie = begin(gate)
    code, state = provider.consent(address)
    other_code, other_state = provider.consent(other_address)
    for given in (
        (code, state, ""),
        (code, state, other_cookie),
        (code, "forged", cookie),
        (code, state, cookie + "x"),
    ):
        refused(back(gate, *given))
    refused(get(f"{gate.url}/v1/auth/oidc/callback", params={"error": "access_denied"}, headers={"Cookie": cookie}))
    answer = back(gate, other_code, state, cookie)
    assert answer.status_code == 503, "the provider refuses a code with somebody else's verifier"
    assert back(gate, code, state, cookie).status_code == 200
    assert back(gate, code, state, cookie).status_code == 503, "a code works once"
    assert other_state != state


def test_an_access_token_is_no_cookie(gate: Process, provider: ProviderServer) -> None:
    signed_in = httpx.post(f"{gate.url}/v1/auth/token", json={"email": CLERK[0], "password": CLERK[1]}).json()
    _, state = provider.consent(begin(gate)[0])
    refused(back(gate, "code", state, f"__Host-liaison-oidc={signed_in['access_token']}"))
    cookie = begin(gate)[1].partition("=")[2]
    assert httpx.get(f"{gate.url}/v1/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401


def test_unknown_users_are_let_in_only_where_settings_say_so(edge: Start, provider: ProviderServer) -> None:
    open_gate = edge(LIAISON_OIDC_DEFAULT_ROLES="employee")
    provider.tell(email="New@lamp.example", name="Nora New")
    for _ in range(2):
        token = come_in(open_gate, provider).json()["access_token"]
    me = httpx.get(f"{open_gate.url}/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["email"], me["name"], me["roles"]) == ("new@lamp.example", "Nora New", ["employee"])


def test_without_a_provider_there_is_nothing(gateway: Process) -> None:
    for path in ("start", "callback?code=x&state=y"):
        assert httpx.get(f"{gateway.url}/v1/auth/oidc/{path}").status_code == 404


def test_a_provider_that_is_away(edge: Start) -> None:
    gate = edge(LIAISON_OIDC_ISSUER=f"http://127.0.0.1:{free_port()}")
    assert get(f"{gate.url}/v1/auth/oidc/start").status_code == 503


@pytest.mark.parametrize(
    "address",
    [
        "http://provider.example/", "http://" + "169.254.169.254/", "http://" + "10.0.0.1/", "file:///etc/passwd", "ftp://x/", "https://",
        "gopher://127.0.0.1", "//evil.example", "",
    ],
)  # fmt: skip
def test_only_tls_or_this_machine(address: str) -> None:
    with pytest.raises(OutboundFailed):
        check_address(address)
