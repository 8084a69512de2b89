"""`GET /v1/<resource>/import-template`: an empty file with the headers that an import of the resource takes."""

from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.schema.derived import import_contract
from shared.schema.derived.job_contract import FORMATS, PieceView
from shared.wire import fields
from shared.wire.fields import Schema


class TemplateParameters(Schema):
    """The kind of file."""

    format = fields.Choice(*FORMATS, load_default="csv")


def declare(resource: Collection) -> Operation | None:
    """For everything that can be imported, and users who may import it."""
    imported = import_contract.declare(resource)
    return imported and Operation(
        f"GET {resource.path}/import-template",
        "An empty file to fill in for an import",
        imported.permission,
        parameters=TemplateParameters,
        response=PieceView,
        name=f"template_of_{resource.snake}",
    )
