"""Traps first (ground, 1): the machinery has its own migrations, and a database of before is taken over with its data."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text

from deploy.local.provision import DatabaseUrls
from shared import contracts
from shared.storage.adopting import LAST, OtherVersion, adopt
from shared.storage.connecting import single
from shared.storage.migrator import migrate, refuse_other_versions
from shared.storage.trees import MACHINERY, tree_of
from tests.conftest import Databases
from tests.deploy.test_provision import run
from tests.migrations import before
from tests.migrations.catalog import WHOLE, describe

_ROWS = """
    SELECT count(*), md5(string_agg(one::text, '|' ORDER BY one::text)) FROM "{}" AS one
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"

# One row in tables of the machinery of every kind, so that keeping the data is more than keeping what was seeded.
_WRITTEN = """
    INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope)
        SELECT gen_random_uuid(), 'told', 'told', gen_random_uuid(), n, '{}' FROM generate_series(1, 3) AS n;
    INSERT INTO audit (id, at, actor, action, request_id, changes)
        VALUES (gen_random_uuid(), now(), 'somebody', 'create', 'r', '{"name": [null, "Été"]}');
    INSERT INTO job (id, kind, resource, status, actor, circumstances, options, done, checkpoint, result, cancelled,
            takeovers, version, created_at, updated_at)
        VALUES (gen_random_uuid(), 'export', 'things', 'queued', 'somebody', '{}', '{}', 0, '{}', '{}', false, 0, 1, now(),
            now());
    INSERT INTO job_claim SELECT id, gen_random_uuid(), gen_random_uuid() FROM job;
    INSERT INTO file_chunk (file_id, number, content, actor) VALUES (gen_random_uuid(), 1, 'x', 'somebody');
"""


@pytest.fixture
def name() -> str:
    return "crm_sales"


@pytest.fixture
def empty(databases: Databases, name: str) -> Iterator[DatabaseUrls]:
    """A database with the default rights of its roles, and nothing in it."""
    made = databases.fresh(name)
    run(
        made.owner, f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO {name}, auditor"
    )
    yield made
    databases.drop(made)


def as_owner(urls: DatabaseUrls, work: Callable[[Connection], object]) -> object:
    engine = single(urls.owner, "READ COMMITTED")
    with engine.begin() as connection:
        found = work(connection)
    engine.dispose()
    return found


def rows(connection: Connection) -> dict[str, tuple[int, str | None]]:
    names = [str(name) for (name,) in connection.execute(text(_TABLES)) if not str(name).endswith("_version")]
    return {name: tuple(connection.execute(text(_ROWS.format(name))).one()) for name in names}


def revisions(connection: Connection, service: str) -> tuple[str | None, str | None]:
    return MACHINERY.current(connection), tree_of(service).current(connection)


@pytest.mark.parametrize("name", contracts.SERVICES)
def test_a_database_of_before_is_taken_over_with_its_data(name: str, empty: DatabaseUrls, databases: Databases) -> None:
    """Afterwards its schema is that of a new one, rights included; a second time changes nothing."""

    def take_over(connection: Connection) -> None:
        before.build(connection, name)
        connection.execute(text(_WRITTEN))
        kept = rows(connection)
        assert kept["job_claim"][0] == 1
        adopt(connection, name)
        assert rows(connection) == kept

    as_owner(empty, take_over)
    refuse_other_versions(name, empty.auditor)
    migrate(name, empty.owner)
    found = as_owner(empty, lambda c: (describe(c, WHOLE), rows(c), revisions(c, name)))
    migrate(name, empty.owner)
    assert as_owner(empty, lambda c: (describe(c, WHOLE), rows(c), revisions(c, name))) == found
    fresh = databases.fresh(name)
    expected = as_owner(fresh, lambda c: (describe(c, WHOLE), revisions(c, name)))
    assert (found[0] ^ expected[0], found[2]) == (set(), expected[1])  # type: ignore[index]
    databases.drop(fresh)


def test_a_database_of_long_before_is_refused(name: str, empty: DatabaseUrls) -> None:
    """In one sentence, for nothing says what it has of the machinery; and nothing in it is changed."""
    as_owner(empty, lambda connection: before.note(connection, "0012"))
    with pytest.raises(OtherVersion, match=r"crm_sales is at revision 0012 .* only from 0016") as refused:
        refuse_other_versions(name, empty.application)
    assert "\n" not in str(refused.value)
    with pytest.raises(OtherVersion):
        migrate(name, empty.owner)
    assert as_owner(empty, lambda connection: revisions(connection, name)) == (None, "0012")


def test_what_fails_leaves_the_database_as_it_was(name: str, empty: DatabaseUrls) -> None:
    """Both trees are one transaction: a table that is in the way undoes the machinery's as well."""
    run(empty.owner, "CREATE TABLE sales_order (id int)")
    with pytest.raises(Exception, match="sales_order"):
        migrate(name, empty.owner)
    assert run(empty.owner, _TABLES) == [("sales_order",)]


@pytest.mark.parametrize("name", contracts.SERVICES)
def test_new_revisions_come_after_all_that_there_ever_were(name: str) -> None:
    """A number that the machinery's part of a tree had is not given to something else."""
    last = LAST[name]
    gone = set(tree_of(name).revisions()) & {f"{number:04}" for number in range(int(last) + 1)} - set(
        before.steps(name)
    )
    assert not gone
