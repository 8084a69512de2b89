"""Teams that were texts become teams of crm_contacts; a database of before keeps who sees whose records."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from crm_contacts.service import CrmContacts
from deploy.local.provision import DatabaseUrls
from gateway.identity.people import team_of
from gateway.service import Gateway
from shared.contracts import crm_contacts as contacts
from shared.contracts import gateway as contract
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.migrator import migrate
from shared.storage.trees import MACHINERY, tree_of
from tests.conftest import Databases
from tests.harness import Harness
from tests.migrations import before
from tests.migrations.test_adopting import as_owner
from tests.migrations.test_adopting import empty as empty

LAST_WITH_TEXTS = "0022"
TEXTS = {"ada": "North", "bob": "North", "eve": "north", "ian": None, "zoe": "South"}
USERS = {name: uuid4() for name in TEXTS}
_USER = text(
    "INSERT INTO app_user (id, email, name, language, roles, company_id, team, active, version, created_at, updated_at)"
    " VALUES (:id, :email, :email, 'en', '{sales}', :company, :team, true, 1, now(), now())"
)


@pytest.fixture
def name() -> str:
    return "gateway"


@pytest.fixture
def house(name: str, empty: DatabaseUrls) -> Iterator[Harness]:
    """The gateway of before, with its users, brought up to date."""
    as_owner(empty, _build)
    migrate(name, empty.owner)
    harness = Harness(Gateway, empty.application)
    harness._seen = 0  # what the migration announced is what this is about
    yield harness
    harness.close()


@pytest.fixture
def people(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def _build(connection: Connection) -> None:
    MACHINERY.upgrade(connection)
    script = ScriptDirectory(str(tree_of("gateway").folder.parent))
    steps = [step for step in reversed(tree_of("gateway").revisions()) if step <= LAST_WITH_TEXTS]
    with Operations.context(MigrationContext.configure(connection)):
        for step in steps:
            script.get_revision(step).module.upgrade()
    before.note(connection, LAST_WITH_TEXTS)
    for who, team in TEXTS.items():
        row = {"id": USERS[who], "email": f"{who}@lamp.example", "company": DEFAULT_COMPANY_ID, "team": team}
        connection.execute(_USER, row)


def announced(house: Harness) -> tuple[list[contract.TeamNamed], list[Any]]:
    told = house.published()
    return [e for e in told if isinstance(e, contract.TeamNamed)], [
        e for e in told if not isinstance(e, contract.TeamNamed)
    ]


def reaches(house: Harness) -> dict[str, set[str]]:
    names = {id_: who for who, id_ in USERS.items()}
    with house.session() as session:
        return {who: {names[one] for one in team_of(session, id_)} for who, id_ in USERS.items()}


def same_text() -> dict[str, set[str]]:
    return {who: {who, *(w for w, t in TEXTS.items() if t and t == team)} for who, team in TEXTS.items()}


def test_each_text_becomes_a_team_with_the_same_members(house: Harness, people: Harness) -> None:
    """`@team` reaches the same people from the migration on, before crm_contacts has heard of anything."""
    assert reaches(house) == same_text()
    named, users = announced(house)
    assert [team.name for team in sorted(named, key=lambda team: team.name)] == ["North", "South", "north"]
    ids = {team.name: team.team_id for team in named}
    assert {(e.user_id, e.team_id, e.team) for e in users} == {
        (USERS[who], ids[team], team) for who, team in TEXTS.items() if team
    }
    for team in named:
        assert people.deliver(team) == "done"
    made = people.published()
    assert [type(e) for e in made] == [contacts.Team.created] * 3
    assert {e.aggregate_id for e in made} == set(ids.values())
    assert {t["name"]: UUID(t["id"]) for t in people.call("list_teams", query={})["data"]} == ids
    for event in made:
        assert house.deliver(event) == "done"
    assert reaches(house) == same_text() and house.published() == []


def test_a_text_that_is_the_name_of_a_team_means_that_team(house: Harness, people: Harness) -> None:
    """Its members move there, whether or not the gateway has heard of that team before."""
    there = people.call("create_team", body={"name": "North"})
    people.published()
    for team in announced(house)[0]:
        assert people.deliver(team) == "done"
    made = people.published()
    assert sorted(type(e).__name__ for e in made) == ["TeamCreated", "TeamCreated", "TeamRecognized"]
    for event in made:
        assert house.deliver(event) == "done"
    assert [str(e.team_id) for e in house.published()] == [there["id"]] * 2  # type: ignore[attr-defined]
    assert reaches(house) == same_text()
    ada = house.call("get_user", id=str(USERS["ada"]))
    assert (ada["team_id"], ada["version"]) == (there["id"], 3)
    with house.session() as session:
        known = session.execute(text("SELECT id FROM team")).scalars().all()
    assert len(known) == 3 and UUID(there["id"]) in known


def test_teams_from_before_are_told_of(people: Harness, databases: Databases) -> None:
    """The gateway did not listen to teams when they were made."""
    there = people.call("create_team", body={"name": "North"})
    people.published()
    with people.engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        script = ScriptDirectory(str(tree_of("crm_contacts").folder.parent))
        script.get_revision("0019").module.upgrade()
    (told,) = people.published()
    assert told == contacts.Team.updated(team_id=UUID(there["id"]), name="North", manager_id=None, active=True)
