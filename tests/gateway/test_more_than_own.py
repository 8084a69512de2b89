"""A4. Whoever hands out, changes or takes rights holds all of them: permissions with their reach, and companies."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.identity import operator
from gateway.service import Gateway
from shared.api.handlers import collect
from shared.api.rights import MoreCompaniesThanOwn, MoreThanOwn, is_guarded
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import Invalid, NotFound, Unauthenticated
from tests.gateway.conftest import company, team
from tests.harness import Harness

PASSWORD = "plum-kettle-orbit-7"
OTHER = str(uuid4())
GUARDED = ("users", "roles", "api-keys", "webhooks", "event-subscriptions")


@pytest.fixture
def house(service: Callable[[type], Harness]) -> Harness:
    harness = service(Gateway)
    operator.create(harness.engine, "root@lamp.example", "Root", ["admin"], PASSWORD)
    company(harness, UUID(OTHER))
    return harness


def user(house: Harness, *roles: str, **given: Any) -> Any:
    body = {"email": f"{new_id()}@lamp.example", "name": "X", "roles": list(roles), "password": PASSWORD, **given}
    return house.call("create_user", body=body)


def role(house: Harness, *permissions: str, **given: Any) -> Any:
    return house.call("create_role", body={"name": f"r{new_id().hex[:12]}", "permissions": list(permissions)}, **given)


def everything_on(user: Any) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("update_user", {"id": user["id"], "if_match": "*", "body": {"name": "Y"}}),
        ("set_password_user", {"id": user["id"], "body": {"password": "violet-ladder-fog-3"}}),
        ("deactivate_user", {"id": user["id"]}),
        ("activate_user", {"id": user["id"]}),
        ("delete_user", {"id": user["id"], "if_match": "*"}),
    ]


def test_every_command_on_rights_is_guarded() -> None:
    """A4. In one place, so that a new command cannot forget it; many at once go the way of each."""
    commands = [h for h in collect(Gateway) if h.kind == "command" and h.operation and not h.operation.derived]
    concerned = [h for h in commands if h.operation and h.operation.path.split("/")[2] in GUARDED]
    assert len(concerned) >= 21
    assert not [h.name for h in concerned if not (is_guarded(h.aggregate_class) or is_guarded(h.creates))]


def test_an_administrator_of_one_company_leaves_those_of_others_alone(house: Harness) -> None:
    """A4. He set the password of an administrator of all companies."""
    here: dict[str, Any] = {"companies": (DEFAULT_COMPANY_ID,)}
    for companies in (None, [OTHER], [OTHER, str(DEFAULT_COMPANY_ID)]):
        theirs = user(house, "admin", **({"companies": companies, "company_id": companies[0]} if companies else {}))
        for operation, given in everything_on(theirs):
            with pytest.raises(NotFound if companies == [OTHER] else MoreCompaniesThanOwn):
                house.call(operation, **given, **here)
    mine = user(house, "admin", companies=[str(DEFAULT_COMPANY_ID)])
    for operation, given in everything_on(mine)[:4]:
        house.call(operation, **given, **here)


def test_a_key_of_one_company_makes_no_key_for_all(house: Harness) -> None:
    """A4."""
    owner = user(house, "admin")
    body = {"name": "k", "scopes": ["contacts.*:read"]}
    one = house.call("create_api_key", body={**body, "scopes": ["*"], "company_id": OTHER}, actor=owner["id"])
    by_key: dict[str, Any] = {"actor": owner["id"], "companies": (UUID(OTHER),), "api_key": UUID(one["id"])}
    with pytest.raises(MoreCompaniesThanOwn):
        house.call("create_api_key", body=body, **by_key)
    with pytest.raises(Invalid) as refused:
        house.call("create_api_key", body={**body, "company_id": str(DEFAULT_COMPANY_ID)}, **by_key)
    assert refused.value.errors == [{"pointer": "/company_id", "code": "not_found"}]
    assert house.call("create_api_key", body={**body, "company_id": OTHER}, **by_key)["parent_id"] == one["id"]


def test_keys_of_keys_end_with_their_parent(house: Harness) -> None:
    """A4. Over any number of steps, by revocation, by expiry and when the parent is forgotten."""
    owner = user(house, "admin")["id"]
    body = {"name": "k", "scopes": ["*"]}
    first = house.call("create_api_key", body={**body, "expires_at": "2099-01-01T00:00:00Z"}, actor=owner)
    second = house.call("create_api_key", body=body, actor=owner, api_key=UUID(first["id"]))
    third = house.call("create_api_key", body=body, actor=owner, api_key=UUID(second["id"]))
    assert second["expires_at"] == third["expires_at"] == first["expires_at"]
    with pytest.raises(Invalid) as refused:
        late = {**body, "expires_at": "2100-01-01T00:00:00Z"}
        house.call("create_api_key", body=late, actor=owner, api_key=UUID(first["id"]))
    assert refused.value.errors == [{"pointer": "/expires_at", "code": "later_than_own"}]
    house.call("revoke_api_key", id=first["id"], actor=owner)
    assert all(house.call("get_api_key", id=key["id"])["revoked_at"] for key in (first, second, third))
    with pytest.raises(Unauthenticated):
        house.call("create_api_key", body=body, actor=owner, api_key=UUID(third["id"]))
    house.call("delete_api_key", id=first["id"], if_match="*", actor=owner)
    assert house.call("list_api_keys", query={})["data"] == []


def test_nobody_joins_a_team_whose_records_are_closed_to_them(house: Harness) -> None:
    """A4. Nor becomes a manager of somebody whose records they may not see, nor shows them to somebody else."""
    reading = role(house, "sales.*:read@team", "gateway.users:write", "gateway.users:read", "contacts.teams:read")
    north = team(house)
    eve, seller = user(house, reading["name"]), user(house, "sales", team_id=north)
    mate = user(house, reading["name"], team_id=north)
    held: dict[str, Any] = {
        "actor": eve["id"], "team": (UUID(eve["id"]),), "permissions": tuple(reading["permissions"]),
    }  # fmt: skip
    with pytest.raises(MoreThanOwn):
        house.call("update_user", id=eve["id"], if_match="*", body={"team_id": north}, **held)
    nobody = user(house)
    with pytest.raises(MoreThanOwn):  # the members of the team would see what eve may not
        house.call("update_user", id=nobody["id"], if_match="*", body={"team_id": north}, **held)
    with pytest.raises(MoreThanOwn):
        house.call("update_user", id=nobody["id"], if_match="*", body={"manager_id": mate["id"]}, **held)
    house.call("update_user", id=nobody["id"], if_match="*", body={"manager_id": seller["id"]}, **held)
    house.call("update_user", id=eve["id"], if_match="*", body={"team_id": north})


def test_a_weak_role_cuts_no_stronger_one_and_revokes_no_stronger_key(house: Harness) -> None:
    """A4."""
    held = ("gateway.*:*", "sales.*:read")
    weak: dict[str, Any] = {"permissions": held, "actor": user(house, role(house, *held)["name"])["id"]}
    strong, same = role(house, "sales.*:*"), role(house, "sales.*:read")
    refused: list[tuple[str, dict[str, Any]]] = [
        ("update_role", {"id": strong["id"], "if_match": "*", "body": {"permissions": ["sales.*:read"]}}),
        ("update_role", {"id": same["id"], "if_match": "*", "body": {"permissions": ["sales.*:write"]}}),
        ("delete_role", {"id": strong["id"], "if_match": "*"}),
    ]
    owner = user(house, "admin")["id"]
    keys = [
        house.call("create_api_key", body={"name": "k", "scopes": [scope]}, actor=owner)["id"]
        for scope in ("finance.*:read", "sales.*:read")
    ]
    refused += [("revoke_api_key", {"id": keys[0]}), ("delete_api_key", {"id": keys[0], "if_match": "*"})]
    for operation, given in refused:
        with pytest.raises(MoreThanOwn):
            house.call(operation, **given, **weak)
    house.call("update_role", id=same["id"], if_match="*", body={"permissions": ["sales.orders:read"]}, **weak)
    house.call("revoke_api_key", id=keys[1], **weak)
    user(house, same["name"])
    with pytest.raises(MoreCompaniesThanOwn):  # somebody of all companies has it
        body = {"permissions": ["sales.*:read"]}
        house.call("update_role", id=same["id"], if_match="*", body=body, **weak, companies=(DEFAULT_COMPANY_ID,))


def test_who_was_demoted_a_moment_ago_takes_nothing_back(house: Harness) -> None:
    """A1. The edge may vouch for rights a few seconds longer; what is kept here decides about rights themselves."""
    ada = user(house, "admin")
    still: dict[str, Any] = {"actor": ada["id"], "permissions": ("*",)}
    key = house.call("create_api_key", body={"name": "k", "scopes": ["*"]}, **still)
    house.call("update_user", id=ada["id"], if_match="*", body={"roles": ["warehouse"]})
    by_key = still | {"api_key": UUID(key["id"])}
    for caller in (still, by_key):
        with pytest.raises(MoreThanOwn):
            house.call("update_user", id=ada["id"], if_match="*", body={"roles": ["admin"]}, **caller)
        with pytest.raises(MoreThanOwn):
            role(house, "*", **caller)
    house.call("deactivate_user", id=ada["id"])
    with pytest.raises(MoreThanOwn):
        house.call("activate_user", id=ada["id"], **still)
