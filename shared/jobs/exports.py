"""Carrying out an export: the pages of a list, written to a file that is kept in pieces until it is fetched.

It is short work on data that may change meanwhile, so after a crash it begins again from the first page.
"""

import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.operations import Call
from shared.jobs import child, storage
from shared.jobs.handling import circumstances_of
from shared.jobs.run import Run
from shared.kernel.strict_json import loads
from shared.schema.contract import Operation
from shared.schema.derived.job_contract import CHUNK_BYTES
from shared.tables import workbook
from shared.tables.writing import BOM, Layout, csv_text, delimiter_for

PAGE = 200
ROWS_AT_ONCE = 50


def carry_out(run: Run) -> None:
    """Write all pages, then keep the file."""
    handler, options = run.handler(run.resource.list), run.job.options
    assert handler is not None and handler.operation is not None and handler.operation.response is not None
    layout = Layout(handler.operation.response, options["columns"].split(",") if options["columns"] else None)
    run.commit(lambda s: storage.drop(s, run.job.upload_id), 0, {}, None)  # type: ignore[arg-type]
    with tempfile.TemporaryFile() as file:
        write = _write_csv if options["format"] == "csv" else _write_xlsx
        write(file, layout, _documents(run, handler), run.job.circumstances["language"])
        file.seek(0)
        run.succeed({"rows": run.job.done, "pieces": _keep(run, file)})


def _documents(run: Run, handler: Handler) -> Iterator[dict[str, Any]]:
    """The rows of the list in their JSON form; progress is noted page by page."""
    operation: Operation | None = handler.operation
    assert operation is not None
    cursor: str | None = ""
    while cursor is not None:
        query = {**run.job.options["query"], "limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
        reply = Call(run.service, handler, operation, {"query": query}, circumstances_of(run.job)).query(run.engine)
        page = loads(reply.body.encode())
        for document in page["data"]:
            run.give_way()
            yield document
        cursor = page["next_cursor"]
        run.commit(lambda s: None, run.job.done + len(page["data"]), {}, None)


def _write_csv(file: IO[bytes], layout: Layout, documents: Iterator[dict[str, Any]], language: str) -> None:
    delimiter = delimiter_for(language)
    file.write((BOM + csv_text([layout.header], delimiter)).encode())
    for document in documents:
        file.write(csv_text([layout.row(document)], delimiter).encode())


def _write_xlsx(file: IO[bytes], layout: Layout, documents: Iterator[dict[str, Any]], language: str) -> None:
    with child.running(workbook.written, file) as writer:
        writer.send([layout.header])
        while rows := [layout.row(document) for document in islice(documents, ROWS_AT_ONCE)]:
            writer.send(rows)
        writer.no_more()
        for _ in writer:
            pass


def _keep(run: Run, file: IO[bytes]) -> int:
    """Store the file; returns the number of its pieces."""
    number, file_id, actor = 0, run.job.upload_id, run.job.actor
    assert file_id is not None
    while content := file.read(CHUNK_BYTES):

        def keep(session: Session, n: int = number, c: bytes = content) -> None:
            storage.keep(session, file_id, n, c, actor)

        run.commit(keep, run.job.done, {"pieces": number + 1}, run.job.done)
        number += 1
    return number
