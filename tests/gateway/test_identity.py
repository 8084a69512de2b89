"""Users, roles and keys as the service behind the edge keeps them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.errors import InvitationRefused, RefreshRefused, SignInRefused
from gateway.identity import accounts, apikeys, operator
from gateway.identity.errors import BuiltIn, LastAdministrator, NotAUser, PasswordOrInvitation, RoleInUse
from gateway.service import Gateway
from shared import contracts
from shared.api.rights import MoreThanOwn
from shared.contracts import gateway as contract
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import InUse, Invalid, NotFound
from shared.storage.violations import Duplicate
from tests.gateway.conftest import company, team
from tests.harness import Harness

PASSWORD, OTHER = "plum-kettle-orbit-7", "violet-ladder-fog-3"
ROOT = "root@lamp.example"
Call = Callable[..., Any]


@pytest.fixture
def house(service: Callable[[type], Harness]) -> Harness:
    """A gateway with one administrator."""
    harness = service(Gateway)
    operator.create(harness.engine, ROOT, "Root", ["admin"], PASSWORD)
    assert [type(event) for event in harness.published()] == [contract.UserCreated]
    return harness


def user(house: Harness, name: str, *roles: str, **given: Any) -> dict[str, Any]:
    body = {"email": f"{name}@lamp.example", "name": name.title(), "roles": list(roles), "password": PASSWORD}
    made: dict[str, Any] = house.call("create_user", body={**body, **given})
    return made


def root(house: Harness) -> str:
    return str(house.call("list_users", query={"email": ROOT})["data"][0]["id"])


def test_a_user_from_beginning_to_end(house: Harness) -> None:
    ada = user(house, "ada", "sales", team_id=team(house), language="fr")
    assert (ada["email"], ada["roles"], ada["companies"], ada["active"]) == ("ada@lamp.example", ["sales"], None, True)
    _, token, _ = accounts.sign_in(house.engine, "Ada@lamp.example", PASSWORD)
    seen = house.call("get_user", id=ada["id"])
    assert seen["last_sign_in_at"] and seen["version"] == 1, "signing in changes nothing that one could have edited"
    changed = house.call("update_user", id=ada["id"], if_match=1, body={"roles": ["sales", "support"], "team_id": None})
    assert changed["roles"] == ["sales", "support"] and changed["team_id"] is None
    out = house.call("deactivate_user", id=ada["id"])
    assert not out["active"]
    with pytest.raises(RefreshRefused):
        accounts.refresh(house.engine, token)
    with pytest.raises(SignInRefused):
        accounts.sign_in(house.engine, "ada@lamp.example", PASSWORD)
    house.call("activate_user", id=ada["id"])
    accounts.sign_in(house.engine, "ada@lamp.example", PASSWORD)
    with pytest.raises(InUse):
        house.call("delete_user", id=ada["id"], if_match=house.call("get_user", id=ada["id"])["version"])
    told = [type(event) for event in house.published()]
    assert told == [contract.UserCreated, *[contract.UserUpdated] * 3]


def test_who_never_came_can_be_removed(house: Harness) -> None:
    ada = user(house, "ada", "sales")
    house.call("delete_user", id=ada["id"], if_match=1)
    with pytest.raises(NotFound):
        house.call("get_user", id=ada["id"])


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"email": "no-address"}, "/email", "invalid_email"),
        ({"email": "a b@c.d"}, "/email", "invalid_email"),
        ({"roles": ["sales", "wizard"]}, "/roles/1", "not_found"),
        ({"password": "short"}, "/password", "too_short"),
        ({"password": "Password1234!"}, "/password", "too_common"),
        ({"password": "aaaaaaaaaaaaaaaa"}, "/password", "too_easy"),
        ({"password": "ada@lamp.example"}, "/password", "too_easy"),
        ({"password": "x" * 1025}, "/password", "too_long"),
        ({"manager_id": str(new_id())}, "/manager_id", "not_found"),
        ({"companies": []}, "/companies", "too_short"),
        ({"companies": [str(DEFAULT_COMPANY_ID), str(new_id())]}, "/companies/1", "not_found"),
        ({"company_id": str(new_id())}, "/company_id", "not_found"),
        ({"admin": True}, "/admin", "unknown_field"),
        ({"password_hash": "x"}, "/password_hash", "unknown_field"),
        ({"sessions_ended_at": None}, "/sessions_ended_at", "unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused(house: Harness, given: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        user(house, "ada", "sales", **given)
    assert {"pointer": pointer, "code": code} in refused.value.errors
    assert len(house.call("list_users", query={})["data"]) == 1


def test_one_account_per_address_and_either_password_or_invitation(house: Harness) -> None:
    user(house, "ada", "sales")
    with pytest.raises(Duplicate):
        user(house, "ada", "sales", email="ADA@lamp.example")
    for given in ({"password": None}, {"invitation_token": "i" * 40}):
        body = {"email": "bob@lamp.example", "name": "Bob", "roles": [], "password": PASSWORD, **given}
        with pytest.raises((PasswordOrInvitation, Invalid)):
            house.call("create_user", body={k: v for k, v in body.items() if v is not None})


def test_an_invitation_works_once_and_for_a_week(house: Harness) -> None:
    token = "an-invitation-drawn-at-random-by-the-client"
    body = {"email": "ada@lamp.example", "name": "Ada", "roles": ["sales"], "invitation_token": token}
    house.call("create_user", body=body)
    with pytest.raises(SignInRefused):
        accounts.sign_in(house.engine, "ada@lamp.example", token)
    with pytest.raises(InvitationRefused):
        accounts.accept_invitation(house.engine, "another-token", PASSWORD, "")
    with clock.shifted(timedelta(days=8)), pytest.raises(InvitationRefused):
        accounts.accept_invitation(house.engine, token, PASSWORD, "")
    with pytest.raises(Invalid):
        accounts.accept_invitation(house.engine, token, "password1234", "")
    accounts.accept_invitation(house.engine, token, PASSWORD, "")
    accounts.sign_in(house.engine, "ada@lamp.example", PASSWORD)
    with pytest.raises(InvitationRefused):
        accounts.accept_invitation(house.engine, token, OTHER, "")


def test_a_password_given_by_an_administrator_ends_all_sessions(house: Harness) -> None:
    ada = user(house, "ada", "sales")
    _, token, _ = accounts.sign_in(house.engine, "ada@lamp.example", PASSWORD)
    with pytest.raises(Invalid):
        house.call("set_password_user", id=ada["id"], body={"password": "letmein"})
    house.call("set_password_user", id=ada["id"], body={"password": OTHER}, key="k" * 20)
    with pytest.raises(RefreshRefused):
        accounts.refresh(house.engine, token)
    accounts.sign_in(house.engine, "ada@lamp.example", OTHER)


def test_the_last_administrator_stays(house: Harness) -> None:
    first = root(house)
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("deactivate_user", {}),
        ("update_user", {"if_match": "*", "body": {"active": False}}),
        ("update_user", {"if_match": "*", "body": {"roles": ["sales"]}}),
        ("delete_user", {"if_match": "*"}),
    ]
    for operation, given in attempts:
        with pytest.raises(LastAdministrator):
            house.call(operation, id=first, **given)
    second = user(house, "grace", "admin")["id"]

    def leave(who: str) -> bool:
        try:
            house.call("deactivate_user", id=who)
        except LastAdministrator:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(leave, (first, second)))
    assert sorted(left) == [False, True], "two cannot leave together"


def test_nobody_gives_more_than_they_have(house: Harness) -> None:
    """Somebody who administers users is no administrator yet."""
    clerk: dict[str, Any] = {"permissions": ("gateway.*:*", "sales.*:read"), "actor": root(house)}
    house.call("create_role", body={"name": "reader", "permissions": ["sales.*:read@own"]}, **clerk)
    user(house, "ada", "reader")
    boss = user(house, "boss", "admin")
    body = {"email": "eve@lamp.example", "name": "Eve", "password": PASSWORD}
    house.call("create_user", body={**body, "roles": ["reader"]}, **clerk)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("create_user", {"body": {**body, "email": "x@lamp.example", "roles": ["admin"]}}),
        ("create_user", {"body": {**body, "email": "x@lamp.example", "roles": ["sales"]}}),
        ("update_user", {"id": boss["id"], "if_match": 1, "body": {"name": "X"}}),
        ("set_password_user", {"id": boss["id"], "body": {"password": OTHER}}),
        ("deactivate_user", {"id": boss["id"]}),
        ("create_role", {"body": {"name": "thief", "permissions": ["sales.orders:write"]}}),
        ("create_role", {"body": {"name": "thief", "permissions": ["*"]}}),
        ("create_api_key", {"body": {"name": "k", "scopes": ["sales.orders:write"]}}),
    ]
    for operation, given in refused:
        with pytest.raises(MoreThanOwn):
            house.call(operation, **given, **clerk)
    own = {**clerk, "permissions": ("gateway.*:*", "sales.*:read@own")}
    with pytest.raises(MoreThanOwn):
        house.call("create_role", body={"name": "further", "permissions": ["sales.orders:read"]}, **own)


def test_companies_of_users_and_keys_exist(house: Harness) -> None:
    """D7. What was given before anybody asked stays, as long as nobody names it again."""
    ada, known, unknown = user(house, "ada", "admin"), company(house), str(new_id())
    with house.session() as session:
        session.execute(text("UPDATE app_user SET companies = :ids WHERE email LIKE 'ada@%'"), {"ids": [UUID(unknown)]})
        session.commit()
    kept = house.call("update_user", id=ada["id"], if_match="*", body={"name": "Ada L."})
    assert kept["companies"] == [unknown]
    for change, pointer in (
        ({"companies": [known, unknown]}, "/companies/1"),
        ({"company_id": unknown}, "/company_id"),
    ):
        with pytest.raises(Invalid) as refused:
            house.call("update_user", id=ada["id"], if_match="*", body=change)
        assert refused.value.errors == [{"pointer": pointer, "code": "not_found"}]
    given = {"companies": [known], "company_id": known}
    assert house.call("update_user", id=ada["id"], if_match="*", body=given)["company_id"] == known
    with pytest.raises(Invalid) as refused:
        house.call("update_user", id=ada["id"], if_match="*", body={**given, "company_id": str(DEFAULT_COMPANY_ID)})
    assert refused.value.errors == [{"pointer": "/company_id", "code": "not_found"}], "one works in one's own"
    with pytest.raises(Invalid) as refused:
        house.call("create_api_key", body={"name": "k", "scopes": ["*"], "company_id": unknown}, actor=ada["id"])
    assert refused.value.errors == [{"pointer": "/company_id", "code": "not_found"}]


def test_nobody_gives_companies_that_are_not_theirs(house: Harness) -> None:
    other = company(house)
    mine = UUID(company(house))
    here: dict[str, Any] = {"companies": (mine,), "company_id": mine}
    body = {"email": "ada@lamp.example", "name": "Ada", "roles": ["sales"], "password": PASSWORD}
    for companies in (None, [other], [str(mine), other]):
        with pytest.raises(Invalid) as refused:
            house.call("create_user", body={**body, "companies": companies}, **here)
        assert refused.value.errors[0]["pointer"] in ("/companies", "/company_id")
    made = house.call("create_user", body=body, **here)
    assert made["companies"] == [str(mine)] and made["company_id"] == str(mine)


def test_managers_form_a_tree(house: Harness) -> None:
    ada, bob = user(house, "ada"), user(house, "bob")
    house.call("update_user", id=bob["id"], if_match=1, body={"manager_id": ada["id"]})
    for above in (bob, ada):
        with pytest.raises(Invalid) as refused:
            house.call("update_user", id=ada["id"], if_match=1, body={"manager_id": above["id"]})
        assert refused.value.errors == [{"pointer": "/manager_id", "code": "circular"}]


def test_roles_of_ones_own_making(house: Harness) -> None:
    made = house.call(
        "create_role", body={"name": "lamp_seller", "permissions": ["sales.orders:*@own", "contacts.*:read"]}
    )
    rows = {row["name"]: row for row in house.call("list_roles")["data"]}
    assert rows["admin"]["built_in"] and rows["admin"]["id"] is None and not rows["lamp_seller"]["built_in"]
    with pytest.raises(BuiltIn):
        house.call("create_role", body={"name": "admin", "permissions": ["*"]})
    with pytest.raises(Duplicate):
        house.call("create_role", body={"name": "lamp_seller", "permissions": ["*"]})
    for wrong in ("sales", "sales.orders:write@friends", "nothing.at_all:read", "sales.orders:fly", "", "@own"):
        with pytest.raises(Invalid) as refused:
            house.call("create_role", body={"name": "other", "permissions": ["contacts.*:read", wrong]})
        assert refused.value.errors[0]["pointer"] == "/permissions/1"
    for name in ("Sales", "a", "x y", "1st", "é" * 5):
        with pytest.raises(Invalid):
            house.call("create_role", body={"name": name, "permissions": ["*"]})
    ada = user(house, "ada", "lamp_seller")
    with pytest.raises(RoleInUse):
        house.call("delete_role", id=made["id"], if_match=1)
    house.call("update_role", id=made["id"], if_match=1, body={"permissions": ["contacts.*:read"]})
    house.call("update_user", id=ada["id"], if_match=1, body={"roles": []})
    house.call("delete_role", id=made["id"], if_match=2)
    assert "sales.orders:release" in house.call("list_permissions")["data"]


def test_a_key_is_shown_once(house: Harness) -> None:
    who = root(house)
    body = {"name": "shop", "scopes": ["sales.*:read"], "expires_at": "2099-01-01T00:00:00Z"}
    made = house.call("create_api_key", body=body, actor=who, key="k" * 20)
    assert apikeys.public_part(made["secret"]) == made["key_id"] and made["owner_id"] == who
    again = house.call("create_api_key", body=body, actor=who, key="k" * 20)
    assert again == {k: v for k, v in made.items() if k != "secret"}
    assert "secret" not in house.call("get_api_key", id=made["id"])
    assert house.call("revoke_api_key", id=made["id"])["revoked_at"]
    house.call("delete_api_key", id=made["id"], if_match="*")
    with pytest.raises(NotAUser):
        house.call("create_api_key", body=body, actor="import")
    for wrong in ({"scopes": ["x.y:z"]}, {"scopes": []}, {"expires_at": "2020-01-01T00:00:00Z"}):
        with pytest.raises(Invalid):
            house.call("create_api_key", body={**body, **wrong}, actor=who)


def test_ones_own_keys_only(house: Harness) -> None:
    """With `@own` a permission on keys is for those that one made oneself."""
    held = ("gateway.api_keys:*@own", "sales.*:read")
    house.call("create_role", body={"name": "own_keys", "permissions": list(held)})
    ada, who = user(house, "ada", "own_keys")["id"], root(house)
    mine: dict[str, Any] = {"actor": ada, "permissions": held}
    body = {"name": "k", "scopes": ["sales.orders:read"]}
    theirs = house.call("create_api_key", body=body, actor=who)
    own = house.call("create_api_key", body=body, **mine)
    assert [row["id"] for row in house.call("list_api_keys", query={}, **mine)["data"]] == [own["id"]]
    with pytest.raises(NotFound):
        house.call("revoke_api_key", id=theirs["id"], **mine)
    house.call("revoke_api_key", id=own["id"], **mine)


def test_no_table_holds_a_secret_in_clear(house: Harness) -> None:
    """Not even what remembers requests and replies, tells others, or says who changed what."""
    who, invitation = root(house), "an-invitation-drawn-at-random-by-the-client"
    given = {"email": "bob@lamp.example", "name": "Bob", "roles": ["sales"], "invitation_token": invitation}
    ada = house.call(
        "create_user", key="a" * 20,
        body={"id": str(new_id()), "email": "ada@lamp.example", "name": "Ada", "roles": [], "password": PASSWORD},
    )  # fmt: skip
    house.call("create_user", body=given, key="b" * 20)
    house.call("set_password_user", id=ada["id"], body={"password": OTHER}, key="c" * 20)
    key = house.call("create_api_key", body={"name": "k", "scopes": ["*"]}, actor=who, key="d" * 20)
    _, token, _ = accounts.sign_in(house.engine, "ada@lamp.example", OTHER)
    with house.engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        rows = {t: str(connection.execute(text(f'SELECT t::text FROM "{t}" t')).all()) for t in tables}
    assert {"audit", "idempotency", "outbox", "credential", "api_key"} <= set(rows)
    assert rows["idempotency"].count(ada["id"]) and "$argon2id$" in rows["credential"]
    for secret in (PASSWORD, OTHER, invitation, key["secret"], key["secret"].split("_")[2], token):
        assert not [table for table, content in rows.items() if secret in content]
    assert not [table for table, content in rows.items() if "$argon2id$" in content and table != "credential"]


def test_a_batch_is_recognised_without_its_secrets(house: Harness) -> None:
    """A10: what recognises a repetition is a digest, and a digest of a password can be searched for."""
    ada = {"email": "ada@lamp.example", "name": "Ada", "roles": [], "password": PASSWORD}
    given = [{"operations": [{"op": "create", "data": ada | {"password": word}}]} for word in (PASSWORD, OTHER)]
    first, again = [house.reply("batch_users", body=body, key="e" * 20) for body in given]
    assert not first.replayed and again.replayed and again.body == first.body


def test_who_came_to_the_door(house: Harness) -> None:
    accounts.sign_in(house.engine, ROOT, PASSWORD, "192.0.2.1")
    for email in (ROOT, "nobody@lamp.example"):
        with pytest.raises(SignInRefused):
            accounts.sign_in(house.engine, email, "guess", "192.0.2.2")
    _, first, _ = accounts.sign_in(house.engine, ROOT, PASSWORD, "192.0.2.1")
    accounts.refresh(house.engine, first, "192.0.2.1")
    with pytest.raises(RefreshRefused):
        accounts.refresh(house.engine, first, "192.0.2.66")
    rows = house.call("list_sign_ins", query={"sort": "at"})["data"]
    assert [(row["outcome"], row["email"], row["address"]) for row in rows] == [
        ("accepted", ROOT, "192.0.2.1"),
        ("refused", ROOT, "192.0.2.2"),
        ("refused", "nobody@lamp.example", "192.0.2.2"),
        ("accepted", ROOT, "192.0.2.1"),
        ("refresh_reused", ROOT, "192.0.2.66"),
    ]
    assert [row["user_id"] for row in rows].count(None) == 1
    with clock.shifted(timedelta(days=200)):
        house.tick("sweep_the_entrance")
    assert house.call("list_sign_ins", query={})["data"] == []


def test_every_permission_is_known() -> None:
    """Also those that only handlers ask for: a role could not hold what is not known."""
    from crm_sales.selling import OVERRIDE
    from shared.derived.history import AUDITORS
    from shared.storage.closed_periods import LOCK_PERMISSION

    assert {OVERRIDE, LOCK_PERMISSION, AUDITORS} <= set(contracts.permissions())


def test_permissions_are_listed_with_their_meaning(house: Harness) -> None:
    """D7."""
    listed = house.call("list_permissions")
    assert listed["data"] == [one["name"] for one in listed["permissions"]] == list(contracts.permissions())
    override = next(one for one in listed["permissions"] if one["name"] == "sales.prices:override")
    assert override["fr"] == "vendre à un autre prix que le prix catalogue" and override["operations"] == []
    write = next(one for one in listed["permissions"] if one["name"] == "sales.orders:write")
    assert "orders.place" in write["operations"]


def test_the_address_of_somebody_invisible_is_taken(house: Harness) -> None:
    """Users are cut by company (A4), their addresses are not: one address signs in one user."""
    theirs = user(house, "ada", "sales", companies=[company(house)])
    here: dict[str, Any] = {"companies": (DEFAULT_COMPANY_ID,)}
    assert theirs["id"] not in {one["id"] for one in house.call("list_users", **here)["data"]}
    with pytest.raises(Duplicate):
        user(house, "ada", "sales", **here)
