"""Users refer to teams of crm_contacts; `@team` reaches those of the same team for as long as there is that team."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from gateway.identity import operator
from gateway.identity.people import team_of
from gateway.service import Gateway
from shared.contracts import crm_contacts as contacts
from shared.contracts import gateway as contract
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from tests.gateway.conftest import team
from tests.harness import Harness

PASSWORD = "plum-kettle-orbit-7"


@pytest.fixture
def house(service: Callable[[type], Harness]) -> Harness:
    harness = service(Gateway)
    operator.create(harness.engine, "root@lamp.example", "Root", ["admin"], PASSWORD)
    harness.published()
    return harness


def member(house: Harness, team_id: str | None = None) -> Any:
    body = {
        "email": f"{new_id()}@lamp.example",
        "name": "X",
        "roles": ["sales"],
        "password": PASSWORD,
        "team_id": team_id,
    }
    return house.call("create_user", body=body)


def reach(house: Harness, user: Any) -> set[str]:
    with house.session() as session:
        return {str(one) for one in team_of(session, UUID(user["id"]))}


def test_a_team_reaches_its_members_and_follows_who_joins_and_leaves(house: Harness) -> None:
    north, south = team(house), team(house, "South")
    ada, bob = member(house, north), member(house, south)
    assert (reach(house, ada), reach(house, bob)) == ({ada["id"]}, {bob["id"]})
    house.call("update_user", id=bob["id"], if_match=1, body={"team_id": north})
    assert reach(house, ada) == reach(house, bob) == {ada["id"], bob["id"]}
    house.call("update_user", id=ada["id"], if_match=1, body={"team_id": None})
    assert (reach(house, ada), reach(house, bob)) == ({ada["id"]}, {bob["id"]})


def test_a_deleted_team_is_nobodys(house: Harness) -> None:
    """Its members are told of as changed, and whichever of the two handlers comes first, `@team` ends at once."""
    north = team(house)
    ada, bob = member(house, north), member(house, north)
    house.published()
    gone: Any = contacts.Team.deleted(team_id=UUID(north))
    assert house.deliver(gone) == "done"
    assert (reach(house, ada), reach(house, bob)) == ({ada["id"]}, {bob["id"]})
    assert [house.call("get_user", id=one["id"])["team_id"] for one in (ada, bob)] == [None, None]
    told: Any = house.published()
    assert [(e.user_id, e.team_id, e.team, e.changes) for e in told] == [
        (UUID(one["id"]), None, None, {"team_id": [north, None]}) for one in (ada, bob)
    ]
    assert house.deliver(gone, sequence=9) == "done" and house.published() == []
    with pytest.raises(Invalid) as refused:
        member(house, north)
    assert refused.value.errors == [{"pointer": "/team_id", "code": "not_found"}]


@pytest.mark.parametrize("handler", ["copy_team", "leave_team"])
def test_either_handler_alone_ends_what_a_team_reaches(house: Harness, handler: str) -> None:
    """The other one may be late."""
    north = team(house)
    ada, _ = member(house, north), member(house, north)
    house.consumers = {name: one for name, one in house.consumers.items() if name == handler}
    assert house.deliver(contacts.Team.deleted(team_id=UUID(north)), sequence=2) == "done"
    assert reach(house, ada) == {ada["id"]}


def test_people_join_only_teams_that_take_them(house: Harness) -> None:
    """Those who are in one that takes nobody any more stay, and may be changed."""
    north, idle = team(house), team(house, "Idle", active=False)
    ada = member(house, north)
    with pytest.raises(Invalid) as refused:
        house.call("update_user", id=ada["id"], if_match=1, body={"team_id": idle})
    assert refused.value.errors == [{"pointer": "/team_id", "code": "inactive"}]
    closed: Any = contacts.Team.updated(team_id=UUID(north), name="North", manager_id=None, active=False)
    house.deliver(closed)
    again = house.call("update_user", id=ada["id"], if_match=1, body={"team_id": north, "name": "Ada"})
    assert (again["team_id"], again["name"]) == (north, "Ada")


def test_events_name_the_team_beside_its_id(house: Harness) -> None:
    """Who reads `team` of events from before goes on reading it."""
    north = team(house)
    ada = member(house, north)
    (told,) = house.published()
    assert isinstance(told, contract.UserCreated)
    assert (str(told.user_id), str(told.team_id), told.team) == (ada["id"], north, "North")
    assert [u["id"] for u in house.call("list_users", query={"team_id": north})["data"]] == [ada["id"]]
