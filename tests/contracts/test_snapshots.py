"""No document that clients rely on breaks unnoticed; and the differ that watches over it is not blind."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from gateway.docs.examples import FOLDER
from shared import contracts
from shared.kernel import generated
from tests.contracts import consumers, numbers, refusals, snapshots
from tests.contracts.differ import compare


def test_nothing_breaks_undeclared() -> None:
    assert not snapshots.undeclared()


def test_additive_changes_are_taken_over() -> None:
    """Else the next change would be compared with a past that nobody has seen."""
    left = [str(change) for found in snapshots.changes().values() for change in found if not change.breaking]
    assert not left, "run `make contracts`"
    assert all((snapshots.FOLDER / name).exists() for name in snapshots.current()), "run `make contracts`"


def test_each_service_has_files_of_its_own() -> None:
    """Two services may change side by side: what is generated of each stands in files of its name."""
    for name, document in snapshots.current().items():
        parts = snapshots.parts(name, document)
        assert set(parts) >= {"crm_contacts", "erp_finance"}, name
        assert _joined(parts) == document
    for folder in (consumers.FOLDER, refusals.FOLDER, numbers.FOLDER, FOLDER):
        known = {*contracts.SERVICES, generated.EVERY}
        assert {file.stem for file in folder.glob("*")} <= known, folder


def _joined(parts: dict[str, Any]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        generated.write(Path(folder), parts)
        return generated.merged(Path(folder))


LAMP = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "colour": {"type": "string", "enum": ["red", "blue"]},
        "watts": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/LampIn"}},
    },
}
LAMP_SHOWN = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["on", "off"]},
        "watts": {"type": "integer"},
        "room": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/lamps": {
            "post": {
                "operationId": "make_lamp",
                "x-permission": "lamps:write",
                "parameters": [
                    {"name": "dry", "in": "query", "required": False, "schema": {"type": "boolean"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 200}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/LampIn"}}}},
                "responses": {
                    "201": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lamp"}}},
                    },
                    "409": {"$ref": "#/components/responses/409"},
                },
            },
            "get": {"operationId": "list_lamps", "responses": {"200": {"content": {}}}},
        }
    },
    "components": {"schemas": {"LampIn": LAMP, "Lamp": LAMP_SHOWN}, "responses": {"409": {"content": {}}}},
}


def _post(d: Any) -> Any:
    return d["paths"]["/v1/lamps"]["post"]


def _sent(d: Any) -> Any:
    return d["components"]["schemas"]["LampIn"]["properties"]


def _received(d: Any) -> Any:
    return d["components"]["schemas"]["Lamp"]["properties"]


BREAKING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "operation": (lambda d: d["paths"]["/v1/lamps"].pop("get"), "GET /v1/lamps: operation removed"),
    "path": (lambda d: d["paths"].clear(), "POST /v1/lamps: operation removed"),
    "operation id": (lambda d: _post(d).update(operationId="x"), "POST /v1/lamps: operationId make_lamp became x"),
    "permission": (lambda d: _post(d).update({"x-permission": "x"}), "POST /v1/lamps: permission lamps:write became x"),
    "parameter": (lambda d: _post(d)["parameters"].pop(0), "POST /v1/lamps query dry: parameter removed"),
    "required parameter": (
        lambda d: _post(d)["parameters"].append({"name": "x", "in": "header", "required": True}),
        "POST /v1/lamps header x: parameter added",
    ),
    "parameter required": (
        lambda d: _post(d)["parameters"][0].update(required=True),
        "POST /v1/lamps query dry: parameter became required",
    ),
    "parameter's limit": (
        lambda d: _post(d)["parameters"][1]["schema"].update(maximum=100),
        "POST /v1/lamps query limit: maximum 200 became 100",
    ),
    "body required": (
        lambda d: _post(d)["requestBody"].update(required=True),
        "POST /v1/lamps body: request body became required",
    ),
    "status": (lambda d: _post(d)["responses"].pop("409"), "POST /v1/lamps 409: status removed"),
    "header": (lambda d: _post(d)["responses"]["201"]["headers"].clear(), "POST /v1/lamps 201 ETag: header removed"),
    "content type": (
        lambda d: _post(d)["responses"]["201"]["content"].clear(),
        "POST /v1/lamps 201 application/json: content type removed",
    ),
    "field sent": (lambda d: _sent(d).pop("watts"), "POST /v1/lamps body.watts: field removed"),
    "field received": (lambda d: _received(d).pop("watts"), "POST /v1/lamps 201.watts: field removed"),
    "field inside": (
        lambda d: _received(d)["room"]["properties"].clear(),
        "POST /v1/lamps 201.room.name: field removed",
    ),
    "field required": (
        lambda d: d["components"]["schemas"]["LampIn"]["required"].append("colour"),
        "POST /v1/lamps body.colour: field became required",
    ),
    "new field required": (
        lambda d: (_sent(d).update(x={}), d["components"]["schemas"]["LampIn"]["required"].append("x")),
        "POST /v1/lamps body.x: field added",
    ),
    "field promised": (
        lambda d: d["components"]["schemas"]["Lamp"]["required"].clear(),
        "POST /v1/lamps 201.id: field may be left out now",
    ),
    "type": (
        lambda d: _received(d)["watts"].update(type="string"),
        "POST /v1/lamps 201.watts: type integer became string",
    ),
    "null received": (
        lambda d: _received(d)["watts"].update(type=["integer", "null"]),
        "POST /v1/lamps 201.watts: type integer became integer | null",
    ),
    "null sent": (
        lambda d: _sent(d)["watts"].update(type="integer"),
        "POST /v1/lamps body.watts: type integer | null became integer",
    ),
    "format": (
        lambda d: _received(d)["id"].pop("format"),
        "POST /v1/lamps 201.id: type string uuid became string",
    ),
    "value sent": (
        lambda d: _sent(d)["colour"].update(enum=["red"]),
        "POST /v1/lamps body.colour: value blue removed",
    ),
    "value received": (
        lambda d: _received(d)["state"].update(enum=["on"]),
        "POST /v1/lamps 201.state: value off removed",
    ),
    "values closed": (
        lambda d: _sent(d)["name"].update(enum=["x"]),
        "POST /v1/lamps body.name: values are enumerated now",
    ),
    "values opened": (
        lambda d: _received(d)["state"].pop("enum"),
        "POST /v1/lamps 201.state: values are open now",
    ),
    "shorter": (
        lambda d: _sent(d)["name"].update(maxLength=20),
        "POST /v1/lamps body.name: maxLength 40 became 20",
    ),
    "larger": (
        lambda d: _sent(d)["watts"].update(minimum=5),
        "POST /v1/lamps body.watts: minimum 1 became 5",
    ),
    "pattern": (
        lambda d: _sent(d)["name"].update(pattern="^x$"),
        "POST /v1/lamps body.name: pattern None became ^x$",
    ),
}  # fmt: skip

ADDITIVE: dict[str, Callable[[Any], Any]] = {
    "operation": lambda d: d["paths"].update({"/v1/x": {"get": {"responses": {}}}}),
    "parameter": lambda d: _post(d)["parameters"].append({"name": "x", "in": "query", "schema": {}}),
    "field sent": lambda d: _sent(d).update(x={"type": "string"}),
    "field received": lambda d: _received(d).update(x={"type": "string"}),
    "value sent": lambda d: _sent(d)["colour"]["enum"].append("green"),
    "value received": lambda d: _received(d)["state"]["enum"].append("dimmed"),
    "longer": lambda d: _sent(d)["name"].update(maxLength=80),
    "type sent": lambda d: _sent(d)["name"].update(type=["string", "null"]),
    "limit received": lambda d: _received(d)["watts"].update(maximum=5),
    "no longer required": lambda d: d["components"]["schemas"]["LampIn"]["required"].clear(),
    "promised": lambda d: d["components"]["schemas"]["Lamp"]["required"].append("watts"),
    "status": lambda d: _post(d)["responses"].update({"422": {"content": {}}}),
    "header": lambda d: _post(d)["responses"]["201"]["headers"].update({"X": {}}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking(name: str) -> None:
    change, told = BREAKING[name]
    new = copy.deepcopy(DOCUMENT)
    change(new)
    assert told in {str(found) for found in compare(DOCUMENT, new) if found.breaking}


@pytest.mark.parametrize("name", ADDITIVE)
def test_additive(name: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    ADDITIVE[name](new)
    found = compare(DOCUMENT, new)
    assert found and not any(change.breaking for change in found), found


def test_nothing_changed() -> None:
    assert compare(DOCUMENT, json.loads(json.dumps(DOCUMENT))) == []


def test_events() -> None:
    """A bundle of schemas: what is received, and nothing else."""
    old = {"lamp.lit.v1": LAMP_SHOWN, "lamp.sold.v1": LAMP_SHOWN}
    without = {"lamp.lit.v1": {**LAMP_SHOWN, "properties": {**LAMP_SHOWN["properties"], "more": {}}}}  # type: ignore[dict-item]
    told = {str(change): change.breaking for change in compare(old, without)}
    assert told == {"lamp.sold.v1: event removed": True, "lamp.lit.v1.more: field added": False}
    del without["lamp.lit.v1"]["properties"]["watts"]  # type: ignore[attr-defined]
    assert "lamp.lit.v1.watts: field removed" in {str(c) for c in compare(old, without) if c.breaking}


def test_channels() -> None:
    message = {"payload": LAMP_SHOWN}
    old = {"channels": {"lit": {"address": "lamp.lit", "messages": {"v1": {"$ref": "#/components/messages/lit"}}}}}
    old |= {"components": {"messages": {"lit": message}}}  # type: ignore[dict-item]
    new = copy.deepcopy(old)
    new["components"]["messages"]["lit"]["payload"]["properties"].pop("watts")  # type: ignore[index]
    assert [str(c) for c in compare(old, new)] == ["lamp.lit v1.watts: field removed"]
    new["channels"].clear()
    assert [(str(c), c.breaking) for c in compare(old, new)] == [("lamp.lit: channel removed", True)]
