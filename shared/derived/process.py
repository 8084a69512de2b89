"""Showing where a process stands and which events moved it, and asking again for an answer that never came."""

from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.process.frame import CLASSES, Process
from shared.schema.contract import Operation
from shared.schema.steps import PROCESSES, Steps


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of one of the three operations of a process, from the one that reads its resource."""
    resource = operation.collection
    assert resource is not None and resource.get is not None
    model = handlers[resource.get.name].aggregate_class
    if model is None:
        raise TypeError(f"{resource.get.name} takes no aggregate, so it has no process")
    make = {"progress": _progress, "trace": _trace, "resume": _resume}[operation.derived]
    return make(operation, PROCESSES[resource.path], model)


def _progress(operation: Operation, steps: Steps, model: Any) -> Handler:
    statement = text(
        f"SELECT name, status, at, deadline, waits_for, reason FROM {steps.one}_step WHERE {steps.one}_id = :id"
    )

    def progress(service: object, session: Session, record: Any) -> dict[str, Any]:
        known = {row["name"]: row for row in _rows(session, statement, record)}
        found = [known[name] for name in steps if name in known]
        return {f"{steps.one}_id": record.id, "status": record.status, "steps": found}

    return Handler("query", operation.name, progress, operation, arguments={"record": model})


def _trace(operation: Operation, steps: Steps, model: Any) -> Handler:
    statement = text(
        "SELECT event_id, event_type, type, id, number, at, caused_by"
        f" FROM {steps.one}_trace WHERE {steps.one}_id = :id ORDER BY at, event_id"
    )

    def trace(service: object, session: Session, record: Any) -> dict[str, Any]:
        return {"nodes": _rows(session, statement, record)}

    return Handler("query", operation.name, trace, operation, arguments={"record": model})


def _resume(operation: Operation, steps: Steps, model: Any) -> Handler:
    frame = CLASSES.get(steps.path)
    if frame is None:
        raise TypeError(f"{steps.path} declares steps, and no class in {operation.service} is their Process")
    return resuming(operation, frame, model)


def resuming(operation: Operation, frame: type[Process[Any]], model: Any) -> Handler:
    """What asks again, whether the operation is derived or a verb of the resource."""

    def resume(service: object, session: Session, record: Any) -> Any:
        with frame.on(session, record) as process:
            process.resume()
        return record

    made = Handler("command", operation.name, resume, operation, arguments={"record": model}, returns=model)
    made.calls = ((frame.resume, frame), (model.resume, model))
    return made


def _rows(session: Session, statement: TextClause, record: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(statement, {"id": record.id}).mappings()]
