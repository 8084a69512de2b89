"""Examples in the OpenAPI document: requests and answers of a real run, recorded by `make examples`."""

from functools import cache
from pathlib import Path
from typing import Any

from shared.kernel import generated

FOLDER = Path(__file__).resolve().parents[1] / "data" / "examples"


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """Operation id → {status, path, query, request, response}; what an operation does not have is left out."""
    return generated.merged(FOLDER)


def show(described: dict[str, Any]) -> None:
    """Put the example of an operation where readers and tools of OpenAPI look for it."""
    example = recorded().get(described["operationId"], {})
    for parameter in described["parameters"]:
        values = example.get(parameter["in"], {})
        if parameter["name"] in values:
            parameter["example"] = _typed(values[parameter["name"]], parameter["schema"])
    if "request" in example and "requestBody" in described:
        _attach(described["requestBody"], {"example": example["request"]})
    if "response" in example and not holds_examples(example["response"]):
        _attach(described["responses"].get(str(example["status"]), {}), {"example": example["response"]})


def _attach(holder: dict[str, Any], shown: dict[str, Any]) -> None:
    for media_type, content in holder.get("content", {}).items():
        if "json" in media_type:
            content.update(shown)


def holds_examples(value: Any) -> bool:
    """Whether data looks like a schema with an example, as types of events do: tools take it for one, so it is not shown."""
    if isinstance(value, list):
        return any(map(holds_examples, value))
    return isinstance(value, dict) and ("example" in value or any(map(holds_examples, value.values())))


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """A query value is text; its example is what the text stands for."""
    return int(text) if schema.get("type") == "integer" else text == "true" if schema.get("type") == "boolean" else text
