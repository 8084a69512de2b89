"""Beginning an export: its filters and columns are checked at once, its pages are read by a job."""

from typing import Any

from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.listing import parse
from shared.api.operations import Call
from shared.jobs import handling
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Invalid
from shared.schema.contract import Operation
from shared.tables.writing import Layout


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of an export, for the resource that it is about."""
    resource = operation.collection
    assert resource is not None and resource.list is not None and resource.list.response is not None
    listed = resource.list

    def begin(service: object, session: Session, call: Call, request: dict[str, Any]) -> Any:
        assert listed.listing is not None and listed.response is not None
        _check_query(listed, request["query"])
        chosen = request["columns"].split(",") if request["columns"] else None
        if unknown := Layout(listed.response, chosen).unknown:
            raise Invalid([{"pointer": "/fields", "code": "unknown_column"}], unknown=unknown[:100])
        handling.refuse_more_exports(session)
        needs = operation.permission
        job = handling.begin(session, operation.service, "export", resource.name, request, needs, upload_id=new_id())
        session.flush()
        return handling.view(session, job, errors=False)

    return Handler("command", operation.name, begin, operation, arguments={"call": None, "request": None})


def _check_query(listed: Operation, query: dict[str, Any]) -> None:
    """Raises Invalid for what the list would refuse."""
    assert listed.listing is not None
    if "cursor" in query or "limit" in query or not all(isinstance(value, str) for value in query.values()):
        raise Invalid.at("/query", "invalid")
    try:
        parse(listed.listing, query)
    except BadRequest as refusal:
        errors = [{**e, "pointer": "/query/" + e["pointer"].lstrip("?")} for e in refusal.errors]
        raise Invalid(errors, **refusal.details) from None
