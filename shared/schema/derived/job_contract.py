"""What clients see of jobs, and what the edge asks of the service that runs one. Knows no machinery."""

from dataclasses import replace
from typing import Any

from marshmallow import validate

from shared.schema.contract import SIGNED_IN, Operation
from shared.wire import fields
from shared.wire.fields import Schema

STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")
KINDS = ("import", "export", "undo")
FORMATS = ("csv", "xlsx")

CHUNK_BYTES = 256 * 1024
"""A file travels to its service, and a result from it, in pieces of this size."""

LARGEST_FILE = 50 * 1024 * 1024
DAYS_KEPT = 7
"""How long a result can be downloaded and an import undone."""

CELL_SHOWN = 200
"""Characters of a cell that an error shows."""

EVERYBODY = "system.jobs:read"
"""Who may see and end the jobs of others; everybody sees their own."""


class ProgressView(Schema):
    """Rows: how many are finished, of how many; `total` is null until it is known."""

    done = fields.Whole(most=2**53, required=True)
    total = fields.Whole(most=2**53, allow_none=True, required=True)


class RowErrorView(Schema):
    """What is wrong with one row of a file. `column` is its header and `cell` what stands in it;
    `level` is error, or warning for a row that was taken."""

    row = fields.Whole(most=2**53, required=True)
    column = fields.Text(most=200, allow_none=True, required=True)
    field = fields.Text(most=500, allow_none=True, required=True)
    code = fields.Text(required=True)
    level = fields.Choice("error", "warning", required=True)
    message = fields.Text(most=1000, required=True)
    cell = fields.Text(most=CELL_SHOWN, allow_none=True, required=True)


class FailureView(Schema):
    """Why a job as a whole did not succeed."""

    code = fields.Text(required=True)
    message = fields.Text(most=1000, required=True)


class JobView(Schema):
    """A job. `result` counts: of an import {created, updated, skipped, failed}, of an export {rows}, of an undo {deleted,
    restored, kept, failed}. `errors` are the first hundred; all that are kept are at `/v1/jobs/{id}/errors`."""

    id = fields.Uuid()
    kind = fields.Choice(*KINDS)
    resource = fields.Text()
    status = fields.Choice(*STATUSES)
    progress = fields.Part(ProgressView)
    result = fields.Open()
    failure = fields.Part(FailureView, allow_none=True)
    errors = fields.Many(fields.Part(RowErrorView))
    file_name = fields.Text(most=255, allow_none=True)
    dry_run = fields.Flag()
    undoes = fields.Uuid(allow_none=True)
    undone_by = fields.Uuid(allow_none=True)
    created_by = fields.Text()
    created_at = fields.Instant()
    started_at = fields.Instant(allow_none=True)
    finished_at = fields.Instant(allow_none=True)
    updated_at = fields.Instant()
    version = fields.Whole()


class JobsView(Schema):
    """Jobs, the newest first. `unavailable` names services that could not be asked."""

    data = fields.Many(fields.Part(JobView), required=True)
    next_cursor = fields.Text(allow_none=True, required=True)
    unavailable = fields.Many(fields.Text(), required=True)


class FileFacts(Schema):
    """A file that was sent ahead in pieces."""

    name = fields.Text(most=255, allow_none=True, load_default=None)
    bytes = fields.Whole(least=1, most=LARGEST_FILE, required=True)
    sha256 = fields.Text(most=64, least=64, required=True)


class ImportRequest(Schema):
    """How a file is to be read. `mapping` is {header: field path}, or "" for a column to leave out; the headers that it
    does not name are recognised. `defaults` are values for fields without a column. With `match_on` rows change what has
    the same value there. `decimal_sign` decides numbers like 1,234, which are refused otherwise."""

    file = fields.Part(FileFacts, required=True)
    mapping = fields.Open(load_default=None, allow_none=True)
    defaults = fields.Open(load_default=None, allow_none=True)
    match_on = fields.Text(most=100, load_default=None, allow_none=True)
    decimal_sign = fields.Choice(",", ".", load_default=None, allow_none=True)
    dry_run = fields.Flag(load_default=False)


class UploadParameters(Schema):
    """Where the pieces of the file are; not what the import is, so that a repetition is recognised."""

    upload_id = fields.Uuid(required=True)


class ExportRequest(Schema):
    """The same filters and sort as the list takes, as strings. `fields` are paths or names of fields, separated by commas."""

    format = fields.Choice(*FORMATS, required=True)
    query = fields.Open(load_default=dict)
    columns = fields.Text(most=4000, load_default=None, allow_none=True, data_key="fields")


class Chunk(Schema):
    """A piece of a file in base64."""

    content = fields.Text(
        most=CHUNK_BYTES * 4 // 3 + 4,
        required=True,
        validate=[validate.Regexp("^[A-Za-z0-9+/]*={0,2}$", error="invalid")],
    )


class Nothing(Schema):
    """No more to say."""


class PieceView(Schema):
    """A piece of a result; `last` when there is none behind it."""

    content = fields.Text(most=CHUNK_BYTES * 4 // 3 + 4)
    last = fields.Flag()
    name = fields.Text()
    media_type = fields.Text()


class JobsUnderWay(Schema):
    """Jobs that have not ended, with the circumstances that they run in."""

    data = fields.Many(fields.Open())


class RowErrorsView(Schema):
    """A page of row errors; `next` is the position of the next one."""

    data = fields.Many(fields.Part(RowErrorView))
    next = fields.Whole(most=2**53, allow_none=True)


class JobsQuery(Schema):
    """`cursor` is `next_cursor` of the page before."""

    cursor = fields.Text(most=40, load_default="")
    limit = fields.Text(
        most=5, load_default="50", validate=[fields.Form("^(200|1[0-9]{2}|[1-9][0-9]?)$", error="out_of_range")]
    )


class Position(Schema):
    """Where the edge goes on reading."""

    after = fields.Text(most=16, load_default="0")


OVERSEER = "overseer"
"""What the edge may in its own name: see to it that no job goes on with rights that were taken away. No role grants it."""


def _job(route: str, summary: str, name: str, permission: str = SIGNED_IN, **given: Any) -> Operation:
    return Operation(route, summary, permission, name=name, tag="jobs", everywhere=True, **given)


PUBLIC: dict[str, Operation] = {
    o.name: o
    for o in (
        _job("GET /v1/jobs", "One's own jobs, the newest first", "list_jobs", response=JobsView, parameters=JobsQuery),
        _job("GET /v1/jobs/{id}", "A job with its progress", "get_job", response=JobView),
        _job("POST /v1/jobs/{id}/cancel", "End a job after the batch under way", "cancel_job", response=JobView),
        _job("POST /v1/jobs/{id}/undo", "Put back what an import did", "undo_job", response=JobView, status=202),
        _job("GET /v1/jobs/{id}/errors", "All row errors that were kept, as CSV", "list_job_errors", response=RowErrorsView,
             parameters=Position),
        _job("GET /v1/jobs/{id}/result", "The file that an export made", "read_job_result", response=PieceView,
             parameters=Position),
    )
}  # fmt: skip
"""What clients may ask of any job. Which service answers stands in the job's id."""

INNER: dict[str, Operation] = {
    o.name: o
    for o in (
        _job("POST /uploads/{id}/{number}", "Take a piece of a file", "keep_chunk", request=Chunk, response=Nothing),
        _job("POST /uploads/{id}/drop", "Forget a file", "drop_upload"),
        _job("GET /jobs-under-way", "Whose jobs are under way", "jobs_under_way", OVERSEER, response=JobsUnderWay),
        _job("POST /jobs-under-way/{id}/end", "End a job that lost its rights", "end_job", OVERSEER, response=JobView),
    )
}
"""What only the edge asks."""


def operations(service: str) -> list[Operation]:
    """The operations of jobs as one service answers them."""
    return [replace(o, service=service) for o in (*PUBLIC.values(), *INNER.values())]
