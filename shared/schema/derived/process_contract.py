"""`GET …/{id}/progress`, `GET …/{id}/trace` and `POST …/{id}/resume` of resources whose contract declares `Steps`."""

from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.schema.steps import PROCESSES, STATUSES
from shared.wire import fields
from shared.wire.fields import Schema


class StepView(Schema):
    """A step of a process. `waits_for` names the event that it waits for; `reason` says why it is not done."""

    name = fields.Text()
    status = fields.Choice(*STATUSES)
    at = fields.Instant(allow_none=True)
    deadline = fields.Instant(allow_none=True)
    waits_for = fields.Text(allow_none=True)
    reason = fields.Text(allow_none=True)


class TraceNodeView(Schema):
    """A fact: the document that it concerns, the event that reported it, and what caused that event."""

    type = fields.Text()
    id = fields.Uuid()
    number = fields.Text()
    event_id = fields.Uuid()
    event_type = fields.Text()
    at = fields.Instant()
    caused_by = fields.Text(allow_none=True)


class TraceView(Schema):
    """The causal chain of a process, oldest first."""

    nodes = fields.Many(fields.Part(TraceNodeView))


def progress(resource: Collection) -> Operation | None:
    if (steps := PROCESSES.get(resource.path)) is None:
        return None
    return Operation(
        f"GET {resource.path}/{{id}}/progress",
        f"The steps of {_a(steps.one)}, with what they wait for",
        _get(resource).permission,
        response=_progress_view(resource, steps.one),
        name=f"progress_of_{resource.snake}",
    )


def trace(resource: Collection) -> Operation | None:
    if (steps := PROCESSES.get(resource.path)) is None:
        return None
    return Operation(
        f"GET {resource.path}/{{id}}/trace",
        f"The documents and events of {_a(steps.one)}, with causes",
        _get(resource).permission,
        response=TraceView,
        name=f"trace_of_{resource.snake}",
    )


def resume(resource: Collection) -> Operation | None:
    """With the permission to change it: the same questions are asked once more."""
    if (steps := PROCESSES.get(resource.path)) is None:
        return None
    writing = resource.patch or resource.create
    if writing is None:
        raise TypeError(f"{resource.path} has a process, and neither POST nor PATCH says who may resume it")
    return Operation(
        f"POST {resource.path}/{{id}}/resume",
        f"Ask again for the answers that {_a(steps.one)} waits for",
        writing.permission,
        response=writing.response,
        name=f"resume_{steps.one}",
    )


def _get(resource: Collection) -> Operation:
    assert resource.get is not None
    return resource.get


def _progress_view(resource: Collection, one: str) -> type[Schema]:
    response = _get(resource).response
    assert response is not None
    members = {
        "__doc__": f"Where {_a(one)} stands, in the order in which the steps usually happen.",
        "__module__": response.__module__,
        f"{one}_id": fields.Uuid(refers=resource.name),
        "status": response().fields["status"],
        "steps": fields.Many(fields.Part(StepView)),
    }
    return type(f"{one.title().replace('_', '')}ProgressView", (Schema,), members)


def _a(one: str) -> str:
    return f"{'an' if one[0] in 'aeiou' else 'a'} {one.replace('_', ' ')}"
