"""What the API document says of files: multipart forms that come in, tables that go out, and jobs that are begun."""

from typing import Any

from gateway.docs.said import say
from shared.schema.contract import Operation
from shared.schema.derived.job_contract import LARGEST_FILE

_STRING = {"type": "string"}
_CSV = {"text/csv": {"schema": _STRING}}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LOCATION = {"schema": _STRING, "description": "The path of the job."}
_BOTH = {**_CSV, _XLSX: {"schema": {"type": "string", "format": "binary"}}}
_TABLES: dict[str, dict[str, Any]] = {"list_job_errors": _CSV, "read_job_result": _BOTH}
INNER = ("upload_id", "after")
"""Parameters that only the edge sends."""


def takes_form(operation: Operation) -> bool:
    """Whether clients send a form rather than JSON."""
    return operation.derived == "import"


def gives_table(operation: Operation) -> bool:
    """Whether the answer is a file rather than JSON."""
    return operation.name in _TABLES or operation.derived == "template"


def describe(operation: Operation, described: dict[str, Any]) -> dict[str, Any]:
    """The description with what is particular about files."""
    if takes_form(operation) or gives_table(operation):
        described["parameters"] = [p for p in described["parameters"] if p["name"] not in INNER]
    status = str(operation.status)
    if takes_form(operation):
        described["requestBody"] = _form()
    if gives_table(operation):
        described["responses"]["200"] = {"description": "A file.", "content": _TABLES.get(operation.name, _BOTH)}
        described["responses"].pop("204", None)
    elif status == "202":
        described["responses"]["202"]["headers"]["Location"] = _LOCATION
    elif operation.listing and not operation.everywhere:
        described["parameters"].append(_FORMAT)
        described["responses"][status]["content"] |= _CSV
    return described


_FORMAT = {
    "name": "format",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": ["json", "csv"], "default": "json"},
    "description": "`csv`: all rows as a table, with `;` between cells for `Accept-Language: fr`, without `limit` and `cursor`;"
    " a last line `#error` and a chunked body without its end say that rows are missing.",
}


_FILE_SAID = say("CSV or XLSX, at most {bytes} bytes.", bytes=str(LARGEST_FILE))
_MAPPING_SAID = '`{header: field path}`, or `""` for a column to leave out; other headers name fields.'


def _form() -> dict[str, Any]:
    json_text = {"type": "string", "contentMediaType": "application/json"}
    properties = {
        "file": {
            "type": "string",
            "format": "binary",
            "description": _FILE_SAID,
        },
        "mapping": {
            **json_text,
            "description": _MAPPING_SAID,
        },
        "defaults": {**json_text, "description": "`{field path: value}` for fields without a column."},
        "match_on": {**_STRING, "description": "The field by which rows find what they change; others are created."},
        "decimal_sign": {**_STRING, "enum": [",", "."], "description": "Decides what numbers like 1,234 are."},
        "dry_run": {
            "type": "string",
            "enum": ["true", "false"],
            "default": "false",
            "description": "Whether the file is only tried.",
        },
    }
    schema = {"type": "object", "required": ["file"], "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
