"""The trees of revisions in a database: the machinery's, the same in every service, and the service's own."""

from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_SHARED = Path(__file__).resolve().parents[1]


class Tree(NamedTuple):
    """A folder of revisions, and the table that says how far a database has come in it."""

    folder: Path
    version_table: str

    def revisions(self) -> list[str]:
        """The newest first; none where a service has no tables yet."""
        if not self.folder.exists():
            return []
        return [script.revision for script in ScriptDirectory.from_config(self._config()).walk_revisions()]

    def current(self, connection: Connection) -> str | None:
        """The revision that a database has, if it has begun with this tree."""
        if connection.execute(text("SELECT to_regclass(:name)"), {"name": self.version_table}).scalar_one() is None:
            return None
        found = connection.execute(text(f"SELECT version_num FROM {self.version_table}"))
        return str(found.scalar_one())

    def upgrade(self, connection: Connection) -> None:
        if not self.revisions():
            return
        command.upgrade(self._config(connection), "head")

    def mark(self, connection: Connection, revision: str) -> None:
        """Note that a database has this revision, and run nothing."""
        command.stamp(self._config(connection), revision)

    def _config(self, connection: Connection | None = None) -> Config:
        config = Config(attributes={"connection": connection, "version_table": self.version_table})
        config.set_main_option("script_location", _literal(_SHARED / "machinery"))
        config.set_main_option("version_locations", _literal(self.folder))
        config.set_main_option("path_separator", "newline")
        return config


MACHINERY = Tree(_SHARED / "machinery" / "versions", "machinery_version")


def tree_of(service: str) -> Tree:
    """A service's own tree."""
    return Tree(_SHARED.parent / "services" / service / "migrations" / "versions", "alembic_version")


def _literal(path: Path) -> str:
    """Alembic reads options as ConfigParser does."""
    return str(path).replace("%", "%%")
