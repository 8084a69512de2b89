"""Rows of a file that name each other: those that are named come first, whatever their order in the file."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.jobs.bulk import Loader, Named, Row
from shared.jobs.rehearsing import holders, key_of, note

PASSES = (0, 1, 2)
ONE_BY_ONE_PASS = 1
"""Its rows may name each other, so that each must find those before it, however many make a batch."""


class RowReferences:
    """The links of one file."""

    def __init__(self, job_id: UUID, loader: Loader) -> None:
        self.job_id, self.loader = job_id, loader

    def resolve(self, session: Session, rows: list[Row]) -> None:
        """Put ids in place of links, or errors."""

        def of_file(names: list[tuple[str, str]]) -> Named:
            keys = {key_of("name", *name): name for name in names}
            return {keys[key]: ids for key, ids in holders(session, self.job_id, list(keys)).items()}

        if linked := [row for row in rows if row.links and not row.errors]:
            self.loader.resolve(session, linked, of_file)

    def note(self, session: Session, rows: list[Row]) -> None:
        """Keep by what these rows may be named."""
        made = [row for row in rows if row.object_id is not None and not row.errors]
        names = [(key_of("name", *name), row.object_id) for row in made for name in self.loader.names(row)]
        note(session, self.job_id, names)
