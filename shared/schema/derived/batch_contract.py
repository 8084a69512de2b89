"""`POST /v1/<resource>/batch`: up to 500 creations, changes and deletions in one request, one call and one transaction."""

from typing import Any

from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema
from shared.wire.problems import Problem

MOST = 500


def declare(resource: Collection) -> Operation | None:
    """For resources that can be created; `update` and `upsert` where they can be changed too.

    What comes with a secret is made one by one: a remembered answer to many would hold them all.
    """
    create = resource.create
    if create is None or create.request is None or create.response is None or resource.comes_with_secret:
        return None
    verbs = "Create, change or delete" if resource.delete else "Create or change"
    return Operation(
        f"POST {resource.path}/batch",
        f"{verbs} up to {MOST} records at once",
        create.permission,
        request=_request(resource),
        response=_response(resource),
        idempotency=create.idempotency,
        name=f"batch_{resource.snake}",
    )


_DATA = "What a creation says for `create` and `upsert`, what a change says for `update`, nothing for `delete`."


def _request(resource: Collection) -> type[Schema]:
    create, patch = resource.create, resource.patch
    assert create is not None and create.request is not None
    ops = ("create", *(("update", "upsert") if patch else ()), *(("delete",) if resource.delete else ()))
    item = _schema(
        resource,
        "BatchItem",
        "One operation. `update` and `delete` name the version that they are made to in `if_match`; `upsert` may.",
        op=fields.Choice(*ops, required=True),
        id=fields.Uuid(),
        if_match=fields.Version(),
        data=fields.Open(required=resource.delete is None, metadata={"description": _DATA}),
    )
    return _schema(
        resource,
        "Batch",
        "Operations in their order. `atomic`: all or none of them.",
        operations=fields.Many(fields.Part(item), least=1, most=MOST, required=True),
        atomic=fields.Flag(load_default=False),
    )


def _response(resource: Collection) -> type[Schema]:
    assert resource.create is not None and resource.create.response is not None
    result = _schema(
        resource,
        "BatchResult",
        "What became of one operation: `status` as if it had come alone, then the resource or the problem.",
        status=fields.Whole(required=True),
        id=fields.Uuid(allow_none=True),
        version=fields.Whole(),
        event_ids=fields.Many(fields.Uuid()),
        resource=fields.Part(resource.create.response),
        problem=fields.Part(Problem),
    )
    help_ = "The results in the order of the operations."
    return _schema(resource, "BatchResults", help_, results=fields.Many(fields.Part(result), most=MOST, required=True))


def _schema(resource: Collection, suffix: str, help_: str, /, **members: Any) -> type[Schema]:
    """A schema that belongs to the contract file of the resource, whence the name of its component."""
    assert resource.create is not None and resource.create.request is not None
    body = {**members, "__doc__": help_, "__module__": resource.create.request.__module__}
    return type(f"{resource.camel}{suffix}", (Schema,), body)
