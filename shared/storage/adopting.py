"""Databases from before the machinery had a tree of its own: their one tree ended where `LAST` says.

They have what `_HAS` stands for; the revisions that remain in the service's tree keep their numbers.
"""

from sqlalchemy import Connection

from shared.storage.trees import MACHINERY, tree_of


class OtherVersion(Exception):
    """A database was made by a version of Liaison from which this one cannot go on."""


_HAS = "0005"
LAST = {
    "crm_contacts": "0013",
    "crm_sales": "0016",
    "erp_finance": "0016",
    "erp_inventory": "0015",
    "gateway": "0019",
}


def is_from_before(connection: Connection, service: str) -> bool:
    """Whether a database has tables, and no notes of the machinery's tree."""
    return MACHINERY.current(connection) is None and tree_of(service).current(connection) is not None


def refuse_unfinished(connection: Connection, service: str) -> None:
    """Raise OtherVersion when a database from before is not at the end of its tree: nothing says what it has."""
    found, needed = tree_of(service).current(connection), LAST[service]
    if found != needed:
        raise OtherVersion(
            f"The database of {service} is at revision {found} of the time before the machinery had migrations of its own,"
            f" and this version of Liaison goes on only from {needed}: start the last version of that time first."
        )


def adopt(connection: Connection, service: str) -> None:
    """Note in a database from before what it has of the machinery; nothing else in it is changed."""
    if is_from_before(connection, service):
        refuse_unfinished(connection, service)
        MACHINERY.mark(connection, _HAS)
