"""Databases as the services' own trees made them before the machinery had a tree of its own."""

import re
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.storage.adopting import LAST
from shared.storage.trees import tree_of

# In this order: sections of before.sql, and revisions that are in the trees to this day.
_FOUNDATION = "machinery lanes keys readers"
_STEPS = {
    "crm_contacts": f"{_FOUNDATION} 0001 0002 jobs files lanes keys readers files 0007 folding 0008 cells 0009 0010 0011"
    " claims lists 0013",
    "crm_sales": f"{_FOUNDATION} 0001 0002 jobs files lanes keys readers files 0007 0008 0009 folding 0010 cells 0012"
    " claims lists 0014 0015 0016",
    "erp_finance": f"{_FOUNDATION} 0001 0002 jobs files lanes keys 0006 readers files 0008 0009 0010 folding 0011 cells"
    " claims 0014 0015 0016",
    "erp_inventory": f"{_FOUNDATION} 0001 0002 jobs files lanes keys readers files 0007 0008 folding 0009 cells 0010 0011"
    " claims lists 0013 0014 0015",
    "gateway": f"0001 {_FOUNDATION} 0003 0004 0005 0006 jobs files lanes keys 0009 0010 readers files 0012 0013 0014"
    " folding cells 0017 claims 0019",
}


def build(connection: Connection, service: str) -> None:
    """Make the tables of before, and note the revision as Alembic did."""
    sections, script = _sections(), ScriptDirectory(str(tree_of(service).folder.parent))
    with Operations.context(MigrationContext.configure(connection)) as op:
        for step in steps(service):
            op.execute(sections[step]) if step in sections else script.get_revision(step).module.upgrade()
    note(connection, LAST[service])


def steps(service: str) -> list[str]:
    return _STEPS[service].split()


def note(connection: Connection, revision: str) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)"))
    connection.execute(text("DELETE FROM alembic_version"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def _sections() -> dict[str, str]:
    parts = re.split(
        r"^-- section: (\w+)\n", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), flags=re.M
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))
