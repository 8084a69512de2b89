"""At the door over HTTP: keys, the company worked in, and how fast somebody is out."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import psycopg2
import pytest

from deploy.local.provision import DatabaseUrls
from gateway.identity import apikeys
from shared.api.caller import Callers
from shared.kernel.context import Context
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.signing import Keys
from tests.gateway.conftest import PASSWORD, Enter, Make, Process, company, team, until
from tests.harness import Harness

OTHER = "violet-ladder-fog-3"


def key_of(house: Harness, owner: dict[str, Any], *scopes: str, **given: Any) -> dict[str, Any]:
    body = {"name": "shop", "scopes": list(scopes), **given}
    return dict(house.call("create_api_key", body=body, actor=owner["id"]))


def asks(gateway: Process, credential: str, path: str = "/v1/orders", **headers: str) -> httpx.Response:
    return httpx.get(gateway.url + path, headers={"Authorization": f"Bearer {credential}".encode(), **_raw(headers)})


def _raw(headers: dict[str, str]) -> dict[str, bytes]:
    return {name: value.encode() for name, value in headers.items()}


def told(answer: httpx.Response, keys: Keys) -> Context:
    """What the service learned of the caller."""
    assert answer.status_code == 200, answer.text
    context = Context()
    Callers("crm_sales", keys).introduce(context, answer.json()["headers"]["nameko.caller"])
    return context


def test_a_key_does_what_its_scopes_and_its_owner_may(gateway: Process, house: Harness, make: Make, keys: Keys) -> None:
    owner = make("sales")
    key = key_of(house, owner, "sales.*:read")
    caller = told(asks(gateway, key["secret"]), keys)
    assert caller.actor == owner["id"]
    assert caller.permissions == ("sales.orders:read", "sales.quotes:read")
    refused = asks(gateway, key["secret"], "/v1/invoices")
    assert (refused.status_code, refused.json()["permission"]) == (403, "finance.invoices:read")
    assert house.call("get_api_key", id=key["id"])["last_used_at"]
    house.call("update_user", id=owner["id"], if_match=1, body={"roles": ["warehouse"]})
    until(lambda: told(asks(gateway, key["secret"]), keys).permissions == ("sales.orders:read",), 10)
    house.call("update_user", id=owner["id"], if_match="*", body={"roles": ["hr"]})
    until(lambda: asks(gateway, key["secret"]).status_code == 403, 10)


def test_scopes_with_a_reach(gateway: Process, house: Harness, make: Make, keys: Keys) -> None:
    role = house.call("create_role", body={"name": f"r{new_id().hex[:12]}", "permissions": ["sales.*:read@team"]})
    boss = make("sales", team_id=team(house, str(new_id())))
    one = make("sales", team_id=boss["team_id"])
    below = make(role["name"], manager_id=one["id"])
    made = [
        (key_of(house, one, f"sales.orders:read{reach}"), reached) for reach, reached in (("", "team"), ("@own", "own"))
    ]
    house.call("update_user", id=one["id"], if_match="*", body={"roles": [role["name"]]})
    for key, reached in made:
        caller = told(asks(gateway, key["secret"]), keys)
        assert caller.reach("sales.orders:read") == reached
        assert set(caller.team) == {UUID(someone["id"]) for someone in (boss, one, below)}


@pytest.mark.parametrize("end", ["revoke_api_key", "delete_api_key", "deactivate_user"])
def test_an_ended_key_is_worth_nothing_within_ten_seconds(
    gateway: Process, house: Harness, make: Make, end: str
) -> None:
    owner = make("sales")
    key = key_of(house, owner, "sales.*:read")
    assert asks(gateway, key["secret"]).status_code == 200
    whose = owner if end == "deactivate_user" else key
    house.call(end, id=whose["id"], **({"if_match": "*"} if end == "delete_api_key" else {}))
    until(lambda: asks(gateway, key["secret"]).status_code == 401, 10)


def test_a_key_for_one_company(gateway: Process, house: Harness, make: Make, keys: Keys) -> None:
    here, there = company(house), company(house)
    owner = make("sales", companies=[here, there])
    key = key_of(house, owner, "sales.*:read", company_id=there)
    caller = told(asks(gateway, key["secret"]), keys)
    assert caller.companies == (UUID(there),) and caller.company_id == UUID(there)
    assert asks(gateway, key["secret"], **{"X-Company-Id": here}).status_code == 404
    house.call("update_user", id=owner["id"], if_match=1, body={"companies": [here]})
    until(lambda: asks(gateway, key["secret"]).status_code == 401, 10)


def test_an_expired_key(gateway: Process, house: Harness, make: Make) -> None:
    key = key_of(house, make("sales"), "sales.*:read", expires_at="2099-01-01T00:00:00Z")
    assert asks(gateway, key["secret"]).status_code == 200
    with house.session() as session:
        session.connection().exec_driver_sql("UPDATE api_key SET expires_at = now() WHERE id = %s", (key["id"],))
        session.commit()
    until(lambda: asks(gateway, key["secret"]).status_code == 401, 10)


def test_forged_keys_look_all_the_same(own_gateway: Process, house: Harness, make: Make) -> None:
    own_gateway.start()
    secret = key_of(house, make("sales"), "sales.*:read")["secret"]
    another, _ = apikeys.new()
    _, key_id, random, crc = secret.split("_")
    stolen_id = f"lia_{key_id}_{another.split('_')[2]}"
    forged = [
        "lia_", "lia_x", secret[:-1], secret + "0", secret[:-1] + ("0" if secret[-1] != "0" else "1"), another,
        f"{stolen_id}_{apikeys._checksum(stolen_id)}", f"lia_{key_id}_{random}", f"LIA_{key_id}_{random}_{crc}",
        "lia_" + "'" * 8 + f"_{random}_{crc}", "lia_" + "é" * 60, "lia_" + "a" * 4000,
    ]  # fmt: skip
    answers = [asks(own_gateway, token) for token in forged]
    bodies = {str({k: v for k, v in a.json().items() if k != "request_id"}) for a in answers}
    assert {a.status_code for a in answers} == {401} and len(bodies) == 1
    guesses = [asks(own_gateway, apikeys.new()[0]).status_code for _ in range(25)]
    assert guesses.count(401) <= 20 and 429 in guesses, "strange keys from one address are slowed down"
    # What is asked while a guess becomes free again is answered: on a slow machine, several times.
    pairs = ({asks(own_gateway, token).status_code for token in (apikeys.new()[0], secret)} for _ in range(21))
    assert any(pair == {429} for pair in pairs), "the right key waits as well"


def test_a_key_changes_no_password(gateway: Process, house: Harness, make: Make) -> None:
    key = key_of(house, make("admin"), "*")
    headers = {"Authorization": f"Bearer {key['secret']}"}
    body = {"old_password": PASSWORD, "new_password": OTHER}
    refused = httpx.post(f"{gateway.url}/v1/me/password", json=body, headers=headers)
    assert refused.status_code == 403
    assert asks(gateway, key["secret"], "/v1/me").status_code == 200


def test_the_company_worked_in(gateway: Process, house: Harness, make: Make, keys: Keys, enter: Enter) -> None:
    """D7: whoever may work in all companies works in none that there is not."""
    here, there = company(house), company(house)
    both = enter(make("sales", companies=[here, there])["email"], PASSWORD)
    assert told(both.get("/v1/orders"), keys).company_id == UUID(here)
    switched = told(both.get("/v1/orders", headers={"X-Company-Id": there.upper()}), keys)
    assert switched.company_id == UUID(there) and set(switched.companies or ()) == {UUID(here), UUID(there)}
    for wrong in (str(DEFAULT_COMPANY_ID), "x", ""):
        answer = both.get("/v1/orders", headers={"X-Company-Id": wrong})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    everywhere = enter(make("sales")["email"], PASSWORD)
    free = told(everywhere.get("/v1/orders", headers={"X-Company-Id": there}), keys)
    assert free.companies is None and free.company_id == UUID(there)
    for wrong in (str(new_id()), "x", "", "'", "é"):
        answer = everywhere.get("/v1/orders", headers={"X-Company-Id": wrong.encode()})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    new = company(house)
    assert told(everywhere.get("/v1/orders", headers={"X-Company-Id": new}), keys).company_id == UUID(new)


@pytest.mark.parametrize("act", ["deactivate_user", "set_password_user"])
def test_a_session_ends_within_seconds(gateway: Process, house: Harness, make: Make, act: str, enter: Enter) -> None:
    user = make("sales")
    client = enter(user["email"], PASSWORD)
    assert client.get("/v1/orders").status_code == 200
    house.call(act, id=user["id"], **({"body": {"password": OTHER}} if act == "set_password_user" else {}))
    begun = time.monotonic()
    until(lambda: client.get("/v1/orders").status_code == 401, 10)
    assert time.monotonic() - begun < 7


def _session(gateway: Process, **given: str) -> dict[str, str]:
    answer = httpx.post(f"{gateway.url}/v1/auth/token", json=given)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _out_within_five_seconds(gateway: Process, *credentials: str) -> None:
    begun = time.monotonic()
    until(lambda: {asks(gateway, one, "/v1/me").status_code for one in credentials} == {401}, 10)
    assert time.monotonic() - begun < 5


def _post(gateway: Process, path: str, body: dict[str, Any], status: int, bearer: str = "") -> None:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    answer = httpx.post(gateway.url + path, json=body, headers=headers)
    assert answer.status_code == status, answer.text


def test_access_tokens_end_with_their_session(gateway: Process, house: Harness, make: Make) -> None:
    """A10: the one before the exchange and the one after it; other sessions of the same user go on, and so do keys."""
    user = make("sales")
    who = {"email": user["email"], "password": PASSWORD}
    out, copied, found, other = (_session(gateway, **who) for _ in range(4))
    key = key_of(house, user, "sales.orders:read")["secret"]
    ending = [out, copied, found]
    ending += [_session(gateway, refresh_token=session["refresh_token"]) for session in ending]
    assert {asks(gateway, session["access_token"], "/v1/me").status_code for session in ending} == {200}
    _post(gateway, "/v1/auth/revoke", {"refresh_token": ending[3]["refresh_token"]}, 204)
    _post(gateway, "/v1/auth/token", {"refresh_token": copied["refresh_token"]}, 401)
    # A used token may be anybody's who found it: it ends its session, and nothing else.
    _post(gateway, "/v1/auth/revoke", {"refresh_token": found["refresh_token"], "api_keys": True}, 204)
    _out_within_five_seconds(gateway, *(session["access_token"] for session in ending))
    assert asks(gateway, other["access_token"], "/v1/me").status_code == 200
    assert asks(gateway, key).status_code == 200


def _ways_out(gateway: Process, house: Harness, user: dict[str, Any], wished: bool) -> list[Callable[[], object]]:
    """Signing out, one's own new password, and one that an administrator gives."""
    session = _session(gateway, email=user["email"], password=PASSWORD)
    asked, bearer = {"api_keys": wished}, session["access_token"]
    new = {"old_password": PASSWORD, "new_password": OTHER, **asked}
    out = {"refresh_token": session["refresh_token"], **asked}
    return [
        lambda: _post(gateway, "/v1/auth/revoke", out, 204),
        lambda: _post(gateway, "/v1/me/password", new, 204, bearer),
        lambda: house.call("set_password_user", id=user["id"], body={"password": OTHER, **asked}),
    ]


def test_keys_end_on_request(gateway: Process, house: Harness, make: Make) -> None:
    """A10: with the session, or not: a program's key is not ended by somebody who only leaves their desk."""
    keys: dict[bool, list[str]] = {True: [], False: [key_of(house, make("sales"), "sales.orders:read")["secret"]]}
    for way in range(3):
        for wished in keys:
            user = make("sales")
            keys[wished].append(key_of(house, user, "sales.orders:read")["secret"])
            assert asks(gateway, keys[wished][-1]).status_code == 200
            _ways_out(gateway, house, user, wished)[way]()
            (row,) = house.call("list_api_keys", query={"owner_id": user["id"]})["data"]
            assert (row["revoked_at"] is not None, row["version"] > 1) == (wished, wished)
    _out_within_five_seconds(gateway, *keys[True])
    assert {asks(gateway, key).status_code for key in keys[False]} == {200}


def test_ones_own_password(gateway: Process, make: Make, database: DatabaseUrls, enter: Enter) -> None:
    user = make("sales")
    client = enter(user["email"], PASSWORD)
    body = {"old_password": PASSWORD, "new_password": OTHER}
    for wrong, pointer, code in (
        ({"old_password": "guess"}, "/old_password", "wrong_password"),
        ({"new_password": "short"}, "/new_password", "too_short"),
        ({"new_password": "Password1234!"}, "/new_password", "too_common"),
        ({"new_password": user["email"]}, "/new_password", "too_easy"),
    ):
        answer = client.post("/v1/me/password", json={**body, **wrong})
        assert answer.status_code == 422, answer.text
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert client.post("/v1/me/password", json=body).status_code == 204
    until(lambda: client.get("/v1/me").status_code == 401, 10)
    assert (
        httpx.post(f"{gateway.url}/v1/auth/token", json={"email": user["email"], "password": PASSWORD}).status_code
        == 401
    )
    again = enter(user["email"], OTHER)
    assert again.get("/v1/me").status_code == 200, "who signs in again at once is let in"
    tries = [again.post("/v1/me/password", json={**body, "old_password": "guess"}).status_code for _ in range(7)]
    assert tries == [422] * 5 + [429] * 2, "a stolen token does not help to guess the password"
    with psycopg2.connect(database.owner) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT outcome FROM sign_in WHERE user_id = %s ORDER BY at", (user["id"],))
        assert [row[0] for row in cursor.fetchall()] == ["accepted", "password_changed", "refused", "accepted"]
    connection.close()


def test_denials_are_noted_but_not_all(gateway: Process, house: Harness, make: Make, enter: Enter) -> None:
    user = make("hr")
    client = enter(user["email"], PASSWORD)
    assert {client.get("/v1/orders").status_code for _ in range(10)} == {403}
    client.get("/v1/invoices")

    def denied() -> list[str]:
        rows = house.call("list_sign_ins", query={"user_id": user["id"], "outcome": "denied"})["data"]
        return sorted(row["detail"] for row in rows)

    until(lambda: len(denied()) >= 2)
    assert denied() == ["GET /v1/invoices (finance.invoices:read)", "GET /v1/orders (sales.orders:read)"]


def test_an_invitation_over_http(gateway: Process, house: Harness, enter: Enter) -> None:
    token, email = f"invited-{new_id()}-{new_id()}", f"{new_id()}@lamp.example"
    body = {"email": email, "name": "Guest", "roles": ["sales"], "invitation_token": token}
    house.call("create_user", body=body)
    url = f"{gateway.url}/v1/auth/invitation"
    assert httpx.post(url, json={"invitation_token": token, "password": "password1234"}).status_code == 422
    assert httpx.post(url, json={"invitation_token": token, "password": PASSWORD}).status_code == 204
    refused = httpx.post(url, json={"invitation_token": token, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "invitation_refused")
    enter(email, PASSWORD)
