"""What Spectral's recommended rules (`spectral:oas`) ask of an OpenAPI 3.1 document, without Spectral.

Rules that other tests hold to are left out: the document is valid (tests/gateway/test_openapi.py), examples keep to their schemas
(tests/examples), and operation ids are unique. `npx @stoplight/spectral-cli lint` of /openapi.json reports nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.docs import openapi

DOCUMENT = openapi.document()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
each_operation = pytest.mark.parametrize("route", OPERATIONS)


def nodes(value: Any, inside: str = "") -> Iterator[dict[str, Any]]:
    """Every object of the document but for data, and for the names of members."""
    for inner in value if isinstance(value, list) else ():
        yield from nodes(inner)
    if isinstance(value, dict):
        if inside != "properties":
            yield value
        for name, inner in value.items():
            if name not in ("example", "examples", "default") or inside == "properties":
                yield from nodes(inner, name if inside != "properties" else "")


def test_info() -> None:
    """info-contact, info-description, oas3-api-servers, oas3-server-trailing-slash, oas3-server-not-example.com"""
    assert DOCUMENT["info"]["contact"] and DOCUMENT["info"]["description"] and DOCUMENT["servers"]
    urls = [server["url"] for server in DOCUMENT["servers"]]
    assert not [url for url in urls if (url.endswith("/") and url != "/") or "example.com" in url]


def test_tags() -> None:
    """openapi-tags-uniqueness, operation-tag-defined"""
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    assert len(set(tags)) == len(tags)
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} <= set(tags)


def test_paths() -> None:
    """path-keys-no-trailing-slash, path-not-include-query, path-declarations-must-exist, path-params"""
    for path in DOCUMENT["paths"]:
        assert not path.endswith("/") and "?" not in path and "{}" not in path, path
    shapes = [re.sub(r"{\w+}", "{}", path) for path in DOCUMENT["paths"]]
    assert len(set(shapes)) == len(shapes)


@each_operation
def test_an_operation(route: str) -> None:
    """operation-description, operation-operationId, operation-operationId-valid-in-url, operation-singular-tag,
    operation-success-response, operation-parameters, path-params, oas3-operation-security-defined
    """
    operation = OPERATIONS[route]
    assert operation["description"] and len(operation["tags"]) == 1
    assert re.fullmatch(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]+", operation["operationId"])
    assert any(status[0] in "23" for status in operation["responses"])
    parameters = [(p["in"], p["name"]) for p in operation["parameters"]]
    assert len(set(parameters)) == len(parameters)
    assert set(re.findall(r"{(\w+)}", route)) == {name for place, name in parameters if place == "path"}
    assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")
    schemes = {name for needed in operation["security"] for name in needed}
    assert schemes <= DOCUMENT["components"]["securitySchemes"].keys()


def test_schemas() -> None:
    """array-items, typed-enum, duplicated-entry-in-enum"""
    kinds = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
    for node in nodes(DOCUMENT):
        types = [node["type"]] if isinstance(node.get("type"), str) else node.get("type", [])
        if "array" in types:
            assert "items" in node, node
        if isinstance(node.get("enum"), list):
            assert len(set(map(str, node["enum"]))) == len(node["enum"]), node
            assert all(isinstance(one, tuple(kinds[t] for t in types)) for one in node["enum"]), node


def test_texts() -> None:
    """no-eval-in-markdown, no-script-tags-in-markdown"""
    for node in nodes(DOCUMENT):
        for name in ("description", "title"):
            if isinstance(node.get(name), str):
                assert "eval(" not in node[name] and "<script" not in node[name]


def test_references() -> None:
    """oas3-unused-component, invalid-ref"""
    used = {node["$ref"] for node in nodes(DOCUMENT) if isinstance(node.get("$ref"), str)}
    kinds = ("schemas", "responses")
    known = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert used == known, used ^ known


def test_what_tools_take_for_schemas() -> None:
    """oas3-valid-media-example, oas3-valid-schema-example: they take data with the members `example` and `schema` for such."""
    for operation in OPERATIONS.values():
        assert '"example": {' not in json.dumps([c.get("example") for c in _contents(operation)])


def _contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()
