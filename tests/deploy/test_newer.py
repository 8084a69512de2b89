"""D9: a database that a newer version has changed is refused in one sentence, before anything works on it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.local.console import Stop
from deploy.local.provision import DatabaseUrls
from deploy.local.run import refuse_other_versions
from tests.conftest import ROOT, Databases
from tests.deploy.test_provision import run


@pytest.fixture
def newer(databases: Databases) -> Iterator[DatabaseUrls]:
    urls = databases.fresh("crm_sales")
    run(urls.owner, "UPDATE alembic_version SET version_num = '0999'")
    yield urls
    databases.drop(urls)


def test_a_start_is_refused(newer: DatabaseUrls, databases: Databases) -> None:
    with pytest.raises(Stop, match="crm_sales is at revision 0999") as refused:
        refuse_other_versions({"crm_sales": newer})
    assert "\n" not in str(refused.value) and "newer version" in str(refused.value)


def test_so_is_one_with_newer_machinery(databases: Databases) -> None:
    urls = databases.fresh("crm_sales")
    run(urls.owner, "UPDATE machinery_version SET version_num = '0999'")
    with pytest.raises(Stop, match="crm_sales is at revision 0999 of the machinery"):
        refuse_other_versions({"crm_sales": urls})
    databases.drop(urls)


def test_the_present_version_and_an_empty_database_are_taken(databases: Databases) -> None:
    urls = databases.fresh("crm_sales")
    refuse_other_versions({"crm_sales": urls})
    run(urls.owner, "DROP TABLE alembic_version, machinery_version")
    refuse_other_versions({"crm_sales": urls})
    databases.drop(urls)


def test_no_database_is_migrated_when_one_is_newer(newer: DatabaseUrls, databases: Databases) -> None:
    """The first one is a version behind, and stays so."""
    behind = databases.fresh("crm_contacts")
    run(behind.owner, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    env = os.environ | {
        "LIAISON_CRM_CONTACTS_OWNER_DATABASE_URL": behind.owner, "LIAISON_CRM_SALES_OWNER_DATABASE_URL": newer.owner,
    }  # fmt: skip
    argv = [sys.executable, "-W", "ignore", "-m", "shared.ops.operator", "migrate", "crm_contacts", "crm_sales"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "crm_sales is at revision 0999" in done.stderr
    assert run(behind.owner, "SELECT to_regclass('alembic_version')") == [(None,)]
    databases.drop(behind)
