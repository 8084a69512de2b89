"""Beginning an import: the file is here, the mapping makes sense; the rest is a job."""

from typing import Any

from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.operations import Call
from shared.jobs import handling, storage
from shared.jobs.matching import matchable
from shared.kernel.context import current
from shared.kernel.refusals import Forbidden, Invalid
from shared.schema.contract import Operation
from shared.tables.paths import resolve


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of an import, for the resource that it is about."""
    resource = operation.collection
    assert resource is not None and resource.row is not None
    schema = resource.row
    patch = handlers[resource.patch.name] if resource.patch else None

    def begin(
        service: object, session: Session, call: Call, request: dict[str, Any], parameters: dict[str, Any]
    ) -> Any:
        errors = [*_wrong_paths(schema, request, "mapping"), *_wrong_paths(schema, request, "defaults")]
        if request["match_on"] is not None:
            if patch is None or not matchable(patch.aggregate_class, request["match_on"]):
                errors.append({"pointer": "/match_on", "code": "invalid_choice"})
            elif not current(session).may(patch.operation.permission if patch.operation else ""):
                raise Forbidden(permission=patch.operation and patch.operation.permission)
        if errors:
            raise Invalid(errors)
        storage.check_complete(session, parameters["upload_id"], request["file"]["bytes"], current(session).actor)
        needs, upload_id = operation.permission, parameters["upload_id"]
        job = handling.begin(session, operation.service, "import", resource.name, request, needs, upload_id=upload_id)
        session.flush()
        return handling.view(session, job, errors=False)

    arguments = {"call": None, "request": None, "parameters": None}
    return Handler("command", operation.name, begin, operation, arguments=arguments)


def _wrong_paths(schema: Any, request: dict[str, Any], member: str) -> list[dict[str, str]]:
    """Errors of a mapping or of defaults: {header: path, or "" for none} or {path: value}, all of them strings."""
    found = []
    for key, value in (request[member] or {}).items():
        pointer = f"/{member}/" + key.replace("~", "~0").replace("/", "~1")
        if not isinstance(value, str):
            found.append({"pointer": pointer, "code": "invalid_type"})
        elif (member == "defaults" or value) and resolve(schema, value if member == "mapping" else key) is None:
            found.append({"pointer": pointer, "code": "unknown_field"})
    return found[:100]
