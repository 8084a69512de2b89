"""Brings databases to the newest schema: first the machinery's tables, then those of the service."""

from sqlalchemy import Connection, text

from shared.storage.adopting import OtherVersion, adopt, is_from_before, refuse_unfinished
from shared.storage.connecting import options, single
from shared.storage.trees import MACHINERY, tree_of


def migrate(service: str, url: str) -> None:
    """Migrate as the owner of the database, one migrator at a time, everything or nothing."""
    patient = options(lock_timeout="10s", statement_timeout="0", idle_in_transaction_session_timeout="10min")
    engine = single(url, "READ COMMITTED", options=patient)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(4217)"))
        connection.commit()
        adopt(connection, service)
        for tree in (MACHINERY, tree_of(service)):
            tree.upgrade(connection)
        connection.commit()
    engine.dispose()


def refuse_other_versions(service: str, url: str) -> None:
    """Raise OtherVersion when a database has a revision from which this code cannot go on. `url` may be any role's."""
    engine = single(url)
    with engine.connect() as connection:
        if is_from_before(connection, service):
            refuse_unfinished(connection, service)
        else:
            _refuse_newer(service, connection)
    engine.dispose()


def _refuse_newer(service: str, connection: Connection) -> None:
    for tree, whose in ((MACHINERY, " of the machinery"), (tree_of(service), "")):
        known = tree.revisions()
        if (found := tree.current(connection)) is not None and found not in known:
            raise OtherVersion(
                f"The database of {service} is at revision {found}{whose}, and this version of Liaison knows only up to"
                f" {known[0] if known else 'none'}: it was made by a newer version. Start that one, or restore an older backup."
            )
