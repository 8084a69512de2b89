"""The empty file of an import: one row of headers, in the language of the caller."""

import base64
import io
from typing import Any

from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.jobs.handling import MEDIA_TYPES
from shared.kernel.context import current
from shared.schema.contract import Operation
from shared.storage import custom
from shared.tables import workbook
from shared.tables.headings import headings
from shared.tables.writing import BOM, csv_text, delimiter_for


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of a template, for the resource that it is about."""
    resource = operation.collection
    assert resource is not None and resource.create is not None and resource.row is not None
    schema, own = resource.row, custom.resource_of(resource.create)

    def give(service: object, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        language, kind = current(session).language, parameters["format"]
        known = custom.definitions(session, own) if custom.declares(schema) else {}
        header = headings(schema, language, [f"custom.{name}" for name in sorted(known)])
        content = _xlsx(header) if kind == "xlsx" else _csv(header, language)
        return {
            "content": base64.b64encode(content).decode(),
            "last": True,
            "name": f"{own}-import.{kind}",
            "media_type": MEDIA_TYPES[kind],
        }

    return Handler("query", operation.name, give, operation, arguments={"parameters": None})


def _csv(header: list[str], language: str) -> bytes:
    return (BOM + csv_text([header], delimiter_for(language))).encode()


def _xlsx(header: list[str]) -> bytes:
    file = io.BytesIO()
    for _ in workbook.written(file, iter([[header]])):
        pass
    return file.getvalue()
