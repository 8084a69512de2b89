"""Sign-in over HTTP, and what every operation answers to strangers and to people with another job."""

import time
from statistics import mean
from typing import Any

import httpx
import psycopg2
import pytest

from deploy.local.provision import DatabaseUrls
from gateway.http.access import allows
from gateway.identity import accounts
from gateway.identity.built_in import permissions_of
from shared.contracts import operations
from shared.schema.contract import Operation
from tests.gateway.conftest import ADMIN, CLERK, Process

SOME_ID = "01900000-0000-7000-8000-0000000000aa"
DECLARED = [operation for service in operations().values() for operation in service.values()]


def token(gateway: Process, **body: str) -> httpx.Response:
    return httpx.post(f"{gateway.url}/v1/auth/token", json=body)


def test_me(clerk: httpx.Client) -> None:
    me = clerk.get("/v1/me").json()
    assert (me["email"], me["roles"], me["language"]) == (CLERK[0], ["warehouse"], "fr")
    assert "inventory.*:*" in me["permissions"]


def test_a_session_from_sign_in_to_sign_out(gateway: Process) -> None:
    signed_in = token(gateway, email=ADMIN[0].upper(), password=ADMIN[1])
    assert signed_in.headers["cache-control"] == "no-store"
    first = signed_in.json()
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 600)
    second = token(gateway, refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    ended = httpx.post(f"{gateway.url}/v1/auth/revoke", json={"refresh_token": second["refresh_token"]})
    assert (ended.status_code, ended.content) == (204, b"")
    refused = token(gateway, refresh_token=second["refresh_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.c"},
        {"email": "a@b.c", "password": "x", "refresh_token": "y"},
        {"email": ["a@b.c"], "password": "x"},
        {"email": "a@b.c", "password": "x", "admin": True},
        {"email": "a@b.c\x00", "password": "x"},
        [],
    ],
)
def test_not_a_sign_in(gateway: Process, body: Any) -> None:
    answer = httpx.post(f"{gateway.url}/v1/auth/token", json=body)
    assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(autouse=True)
def forgiven(database: DatabaseUrls) -> None:
    """Failures are remembered in the database that these tests share."""
    forgive(database)


def forgive(database: DatabaseUrls) -> None:
    _write(database, "DELETE FROM sign_in_attempts")


def wait_longer(database: DatabaseUrls) -> None:
    """For tests that may take longer than the twelve seconds that somebody has to wait at first."""
    _write(database, "UPDATE sign_in_attempts SET blocked_until = blocked_until + interval '1 hour'")


def _write(database: DatabaseUrls, statement: str) -> None:
    with psycopg2.connect(database.owner) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def test_brute_force(own_gateway: Process, database: DatabaseUrls) -> None:
    own_gateway.start()
    codes = [token(own_gateway, email=CLERK[0], password=f"guess-{n}").status_code for n in range(8)]
    assert codes == [401] * 5 + [429] * 3
    limited = token(own_gateway, email=CLERK[0], password=CLERK[1])
    assert limited.status_code == 429 and 1 <= int(limited.headers["retry-after"]) <= 12
    wait_longer(database)
    own_gateway.stop()
    own_gateway.start()
    assert token(own_gateway, email=CLERK[0], password=CLERK[1]).status_code == 429, "a restart forgets nothing"
    unknown = [token(own_gateway, email="nobody@lamp.example", password="x").status_code for _ in range(7)]
    assert unknown == [401] * 5 + [429] * 2, "an unknown account answers like a known one"
    assert _limited_whoever_comes(own_gateway), "the right password has to wait like a wrong one"


def _limited_whoever_comes(gateway: Process) -> bool:
    """Whether this address is refused before anybody looks at the password, once it has tried many accounts.

    The bucket of the address gets a token every three seconds, so only an answer within the wait that was told counts.
    """
    first = time.monotonic()
    for n in range(100):
        begun = time.monotonic()
        sprayed = token(gateway, email=f"{n}@lamp.example", password="x")
        if sprayed.status_code == 401:
            assert n < 20 + (time.monotonic() - first) / 3, "a bucket of twenty, and what came in since"
        else:
            right = token(gateway, email=ADMIN[0], password=ADMIN[1])
            if time.monotonic() - begun < int(sprayed.headers["retry-after"]) - 1:
                return sprayed.status_code == right.status_code == 429
    return False


def test_known_and_unknown_users_look_the_same(own_gateway: Process) -> None:
    own_gateway.start()
    wrong = token(own_gateway, email=ADMIN[0], password="wrong-password")
    unknown = token(own_gateway, email="nobody@lamp.example", password="wrong-password")
    bodies = [{k: v for k, v in answer.json().items() if k != "request_id"} for answer in (wrong, unknown)]
    assert bodies[0] == bodies[1] and wrong.status_code == unknown.status_code == 401


def test_the_same_work_for_known_and_unknown_users(database: Any) -> None:
    """Mean times over interleaved tries, in seconds of this process's own work: the machine is shared."""
    from shared.storage.database import new_engine

    engine = new_engine(database.application, pool_size=1)
    times: dict[str, list[float]] = {ADMIN[0]: [], "nobody@lamp.example": []}
    for turn in range(200):
        forgive(database)
        for email, found in sorted(times.items(), reverse=turn % 2 == 1):
            begun = time.process_time()
            with pytest.raises(accounts.SignInRefused):
                accounts.sign_in(engine, email, "wrong-password")
            found.append(time.process_time() - begun)
    engine.dispose()
    known, unknown = (mean(sorted(found)[40:-40]) for found in times.values())
    assert 0.95 < known / unknown < 1.05


@pytest.mark.parametrize("operation", DECLARED, ids=lambda operation: f"{operation.service}.{operation.name}")
def test_strangers_and_colleagues(gateway: Process, clerk: httpx.Client, operation: Operation) -> None:
    path = operation.path
    for name in operation.path_parameters:
        path = path.replace("{" + name + "}", SOME_ID)
    stranger = httpx.request(operation.method, gateway.url + path)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "unauthenticated")
    assert stranger.headers["www-authenticate"].startswith("Bearer")
    if not allows(permissions_of(("warehouse",)), operation.permission):
        refused = clerk.request(operation.method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_forged_token_learns_nothing(gateway: Process) -> None:
    answer = httpx.get(f"{gateway.url}/v1/orders", headers={"Authorization": "Bearer a.b.c"})
    assert answer.status_code == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "code", "request_id"}


def test_problems_in_french(gateway: Process) -> None:
    answer = httpx.get(f"{gateway.url}/v1/orders", headers={"Accept-Language": "fr-FR"})
    assert answer.json()["title"] == "Non connecté" and answer.headers["content-language"] == "fr"
