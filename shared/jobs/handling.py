"""What a service answers about its jobs. Jobs of others do not exist, except for those who may see everybody's."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.operations import Call
from shared.api.rights import Rights, lacking, rights_of
from shared.contracts import permissions as known
from shared.jobs import storage
from shared.jobs.models import OPEN, Job
from shared.kernel import clock, ids
from shared.kernel.context import Context, current
from shared.kernel.error_messages import sentence
from shared.kernel.permissions import ALL
from shared.kernel.refusals import BadRequest, Conflict, Forbidden, Invalid, InvalidTransition, NotFound, Refusal
from shared.schema.contract import Operation
from shared.schema.derived import job_contract

ERRORS_SHOWN = 100
ERRORS_PAGE = 1000
MOST_JOBS_SHOWN = 200
MOST_OVERSEEN = 1000
MOST_OPEN = 2
"""Exports that one actor may have waiting or running; the next one is refused until one has ended."""


class TooManyJobs(Refusal):
    """Details: limit."""

    family = "too_many_requests"
    code = "too_many_jobs"
    en = "At most {limit} exports at once; wait until one has ended."
    fr = "Au plus {limit} exports à la fois ; attendez que l'un d'eux soit terminé."


class NothingToUndo(Conflict):
    """Only an import that has ended, was no dry run, and is younger than a week can be undone, once. Details: reason."""

    code = "cannot_be_undone"
    en = "This job cannot be undone ({reason})."
    fr = "Cette tâche ne peut pas être annulée ({reason})."


class RightsTakenAway(Forbidden):
    """The user who began the job may no longer do all that it began with."""

    code = "rights_taken_away"
    en = "Whoever began this job has lost rights that it began with; with the present ones, begin it again."
    fr = "Qui a lancé cette tâche a perdu des droits qu'elle avait au départ ; relancez-la avec les droits actuels."


def handlers(service: str) -> list[Handler]:
    """The handlers of the operations of job_contract.py for one service."""
    return [_handler(operation) for operation in job_contract.operations(service)]


def _handler(operation: Operation) -> Handler:
    function, arguments = _FUNCTIONS[operation.name]
    kind = "query" if operation.is_query else "command"
    return Handler(kind, operation.name, function, operation, arguments=arguments)


def begin(
    session: Session, service: str, kind: str, resource: str, options: dict[str, Any], needs: str, **more: Any
) -> Job:
    """A new job of the caller, which the runner takes up after the commit. `needs` is the permission it rests on."""
    context = current(session)
    job = Job(
        id=ids.new_job_id(service),
        kind=kind,
        resource=resource,
        status="queued",
        actor=context.actor,
        circumstances={**_circumstances(context), "needs": needs},
        options=options,
        done=0,
        checkpoint={},
        result={},
        cancelled=False,
        takeovers=0,
        **more,
    )
    session.add(job)
    return job


def _circumstances(context: Context) -> dict[str, Any]:
    return {
        "permissions": list(context.permissions),
        "company_id": str(context.company_id),
        "companies": None if context.companies is None else [str(one) for one in context.companies],
        "team": [str(one) for one in context.team],
        "api_key": None if context.api_key is None else str(context.api_key),
        "language": context.language,
        "request_id": context.request_id,
        "traceparent": context.traceparent,
    }


def circumstances_of(job: Job) -> Context:
    """The context that a job runs in: that of the request that began it."""
    kept = job.circumstances
    return Context(
        actor=job.actor,
        permissions=tuple(kept["permissions"]),
        company_id=UUID(kept["company_id"]),
        companies=None if kept["companies"] is None else tuple(UUID(one) for one in kept["companies"]),
        team=tuple(UUID(one) for one in kept["team"]),
        api_key=UUID(kept["api_key"]) if kept.get("api_key") else None,
        language=kept["language"],
        request_id=kept["request_id"],
        traceparent=kept["traceparent"],
        correlation_id=kept["request_id"],
        causation_id=kept["request_id"],  # the command that began it, as its audit rows say
    )


def own(session: Session, job: Job) -> Job:
    """The job, if the caller may know of it. Raises NotFound."""
    if not _may_know(current(session), job):
        raise NotFound(what="job", id=job.id)
    return job


def _may_know(context: Context, job: Job) -> bool:
    """Whether the caller may do now what the job was begun with: what it shows was read or written with these rights."""
    if job.actor != context.actor and not context.may(job_contract.EVERYBODY):
        return False
    return not lacking(rights_of(context), _needed(circumstances_of(job), str(job.circumstances["needs"])), known())


def _needed(began: Context, permission: str) -> Rights:
    """The permission that a job rests on, as far as it reached, for the owners and companies that it reached."""
    reached = began.reach(permission)
    pattern = permission if reached in (None, ALL) else f"{permission}@{reached}"
    return replace(rights_of(began), permissions=(pattern,))


def view(session: Session, job: Job, errors: bool = True) -> dict[str, Any]:
    """A job in the form of JobView, with texts in the language of the caller."""
    language = current(session).language
    shown: dict[str, Any] = {name: getattr(job, name) for name in _SHOWN}
    failure = job.failure and {"code": job.failure["code"], "message": job.failure[language]}
    return {
        **shown,
        "progress": {"done": job.done, "total": job.total},
        "failure": failure or None,
        "errors": _errors(session, job.id, 0, ERRORS_SHOWN)[0] if errors and job.kind != "export" else [],
        "file_name": job.options.get("file", {}).get("name"),
        "dry_run": bool(job.options.get("dry_run")),
        "created_by": job.actor,
    }


_SHOWN = (
    "id", "kind", "resource", "status", "result", "undoes", "undone_by", "created_at", "started_at", "finished_at",
    "updated_at", "version",
)  # fmt: skip

_ERRORS = text(
    "SELECT place, row_number, header, field, code, level, text_en, text_fr, cell FROM job_error"
    " WHERE job_id = :job_id AND place > :after ORDER BY place LIMIT :limit"
)


def told(refusal: Refusal) -> dict[str, Any]:
    """A refusal as the failure of a job."""
    return {"code": refusal.code, "en": refusal.text("en"), "fr": refusal.text("fr")}


def _errors(session: Session, job_id: UUID, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    language = current(session).language
    rows = session.execute(_ERRORS, {"job_id": job_id, "after": after, "limit": limit}).all()
    told = [
        {
            "row": row.row_number,
            "column": row.header,
            "field": row.field,
            "code": row.code,
            "level": row.level,
            "message": (row.text_fr if language == "fr" else row.text_en) or sentence(row.code, language),
            "cell": row.cell,
        }
        for row in rows
    ]
    return told, rows[-1].place if len(rows) == limit else None


# -- the operations ---------------------------------------------------------------------------------------------------


def _get(service: object, session: Session, job: Job) -> dict[str, Any]:
    return view(session, own(session, job))


def _list(service: object, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
    limit = min(MOST_JOBS_SHOWN, _whole(parameters["limit"], 1, "?limit"))
    before = _cursor(parameters["cursor"]) if parameters["cursor"] else None
    rows = list(islice(_known_to(session, before), limit + 1))
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return {"data": [view(session, job, errors=False) for job in rows[:limit]], "next_cursor": more, "unavailable": []}


def _known_to(session: Session, before: UUID | None) -> Iterator[Job]:
    """The jobs that the caller may know of, the newest first, read portion by portion."""
    context, portion = current(session), select(Job).order_by(Job.id.desc()).limit(MOST_JOBS_SHOWN)
    if not context.may(job_contract.EVERYBODY):
        portion = portion.where(Job.actor == context.actor)
    while jobs := list(session.scalars(portion if before is None else portion.where(Job.id < before))):
        yield from (job for job in jobs if _may_know(context, job))
        before = jobs[-1].id


def _cancel(service: object, session: Session, job: Job) -> dict[str, Any]:
    own(session, job)
    if job.ended:
        raise InvalidTransition(state=job.status, allowed=[])
    job.cancelled = True
    if job.status == "queued":
        job.status, job.finished_at = "cancelled", clock.now()
    session.flush()
    return view(session, job)


def _undo(service: object, session: Session, job: Job, call: Call) -> dict[str, Any]:
    own(session, job)
    if reason := _not_undoable(job):
        raise NothingToUndo(reason=reason)
    needs = str(job.circumstances["needs"])
    made = begin(session, call.operation.service, "undo", job.resource, {}, needs, undoes=job.id)
    job.undone_by = made.id
    session.flush()
    return view(session, made)


def _not_undoable(job: Job) -> str:
    if job.kind != "import" or job.options.get("dry_run"):
        return "not_an_import"
    if not job.ended:
        return "not_ended"
    if job.finished_at is not None and clock.now() - job.finished_at > timedelta(days=job_contract.DAYS_KEPT):
        return "too_old"
    return "already_undone" if job.undone_by else ""


def _list_errors(service: object, session: Session, job: Job, parameters: dict[str, Any]) -> dict[str, Any]:
    own(session, job)
    data, following = _errors(session, job.id, _whole(parameters["after"], 0, "?after"), ERRORS_PAGE)
    return {"data": data, "next": following}


def _read_result(service: object, session: Session, job: Job, parameters: dict[str, Any]) -> dict[str, Any]:
    """A piece of the file that an export made. Its place of storage is a random id; its name is metadata only."""
    own(session, job)
    number = _whole(parameters["after"], 0, "?after")
    content = storage.piece(session, job.upload_id, number) if job.upload_id and job.kind == "export" else None
    if content is None or job.status != "succeeded":
        raise NotFound(what="result", id=job.id)
    return {
        "content": base64.b64encode(content).decode(),
        "last": number + 1 >= int(job.result.get("pieces", 0)),
        "name": f"{job.resource}.{job.options['format']}",
        "media_type": MEDIA_TYPES[job.options["format"]],
    }


MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _keep_chunk(service: object, session: Session, call: Call, number: str, request: dict[str, Any]) -> dict[str, Any]:
    at = _whole(number, 0, "/number")
    if at >= storage.MOST_CHUNKS:
        raise Invalid.at("/number", "out_of_range")
    piece = storage.decoded(request["content"])
    storage.check_quota(session, current(session).actor, len(piece))
    storage.keep(session, _uuid(call.path["id"]), at, piece, current(session).actor)
    return {}


def _drop_upload(service: object, session: Session, call: Call) -> None:
    session.execute(
        text(
            "DELETE FROM file_chunk WHERE file_id = :id AND actor = :actor"
            " AND NOT EXISTS (SELECT 1 FROM job WHERE upload_id = :id)"
        ),
        {"id": _uuid(call.path["id"]), "actor": current(session).actor},
    )


def _under_way(service: object, session: Session) -> dict[str, Any]:
    jobs = session.scalars(select(Job).where(Job.status.in_(OPEN)).order_by(Job.id).limit(MOST_OVERSEEN))
    return {"data": [{"id": str(job.id), "actor": job.actor, **job.circumstances} for job in jobs]}


def _end(service: object, session: Session, job: Job) -> dict[str, Any]:
    """At once: the batch under way finds the job ended, and is rolled back."""
    if not job.ended:
        job.status, job.failure, job.finished_at = "failed", told(RightsTakenAway()), clock.now()
        job.runner = job.leased_until = None
    session.flush()
    return view(session, job, errors=False)


def refuse_more_exports(session: Session) -> None:
    """Raise TooManyJobs when the caller has as many exports under way as anybody may."""
    actor = current(session).actor
    storage.check_quota(session, actor)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('exports of ' || :actor))"), {"actor": actor})
    under_way = text(
        "SELECT count(*) FROM job WHERE actor = :actor AND kind = 'export' AND status IN ('queued', 'running')"
    )
    if session.execute(under_way, {"actor": actor}).scalar_one() >= MOST_OPEN:
        raise TooManyJobs(limit=MOST_OPEN, retry_after=5)


_FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "list_jobs": (_list, {"parameters": None}),
    "get_job": (_get, {"job": Job}),
    "cancel_job": (_cancel, {"job": Job}),
    "undo_job": (_undo, {"job": Job, "call": None}),
    "list_job_errors": (_list_errors, {"job": Job, "parameters": None}),
    "read_job_result": (_read_result, {"job": Job, "parameters": None}),
    "keep_chunk": (_keep_chunk, {"call": None, "number": None, "request": None}),
    "drop_upload": (_drop_upload, {"call": None}),
    "jobs_under_way": (_under_way, {}),
    "end_job": (_end, {"job": Job}),
}


def _whole(raw: str, least: int, pointer: str) -> int:
    if not (raw.isdecimal() and len(raw) < 16 and int(raw) >= least):
        raise BadRequest([{"pointer": pointer, "code": "out_of_range"}])
    return int(raw)


def _cursor(raw: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError:
        raise BadRequest([{"pointer": "?cursor", "code": "invalid_cursor"}]) from None


def _uuid(raw: Any) -> UUID:
    try:
        return UUID(str(raw))
    except ValueError:
        raise NotFound(what="job", id=raw) from None
