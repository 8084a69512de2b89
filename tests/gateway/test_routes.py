"""From method and path to the operation."""

import pytest
from starlette.responses import Response

from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.http.incoming import Incoming
from gateway.http.routes import Table
from shared.contracts import operations
from shared.schema.contract import Operation

QUOTE = "01900000-0000-7000-8000-0000000000aa"


async def nothing(request: Incoming) -> Response:
    return Response()


def table(*routes: str) -> Table:
    found = Table()
    for route in routes:
        found.add(Operation(route, "", "sales.quotes:read", name=route), nothing)
    return found


QUOTES = table(
    "GET /v1/quotes",
    "POST /v1/quotes",
    "POST /v1/quotes/preview",
    "GET /v1/quotes/{id}",
    "POST /v1/quotes/{id}/send",
    "GET /v1/tax-codes/{code}",
    "GET /v1/quotes/{id}/lines/{line_id}",
)


@pytest.mark.parametrize(
    ("method", "path", "route", "values"),
    [
        ("GET", "/v1/quotes", "GET /v1/quotes", {}),
        ("HEAD", "/v1/quotes", "GET /v1/quotes", {}),
        ("POST", "/v1/quotes/preview", "POST /v1/quotes/preview", {}),
        ("GET", f"/v1/quotes/{QUOTE}", "GET /v1/quotes/{id}", {"id": QUOTE}),
        ("POST", f"/v1/quotes/{QUOTE}/send", "POST /v1/quotes/{id}/send", {"id": QUOTE}),
        ("GET", "/v1/tax-codes/S5%2E5", "GET /v1/tax-codes/{code}", {"code": "S5.5"}),
        ("GET", "/v1/tax-codes/a%2Fb", "GET /v1/tax-codes/{code}", {"code": "a/b"}),
        (
            "GET",
            f"/v1/quotes/{QUOTE}/lines/{QUOTE}",
            "GET /v1/quotes/{id}/lines/{line_id}",
            {"id": QUOTE, "line_id": QUOTE},
        ),
    ],
)
def test_found(method: str, path: str, route: str, values: dict[str, str]) -> None:
    found, named = QUOTES.find(method, path.encode())
    assert (found.operation.route, named) == (route, values)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/quotes/",
        "/v1//quotes",
        "//v1/quotes",
        "/v1/quotes/42",
        "/v1/quotes/" + QUOTE + "x",
        "/v1/quotes/%00",
        "/v1/quotes/%ff%fe",
        "/v1/quotes/..%2f..%2fetc",
        "/v1/tax-codes/%00",
        "/v1/tax-codes/",
        "/V1/quotes",
        f"/v1/quotes/{QUOTE}/lines/7",
    ],
)
def test_nothing_there(path: str) -> None:
    with pytest.raises(RouteNotFound):
        QUOTES.find("GET", path.encode())


def test_another_method_is_named() -> None:
    with pytest.raises(MethodNotAllowed) as refusal:
        QUOTES.find("DELETE", b"/v1/quotes")
    assert refusal.value.details["allowed"] == ["GET", "HEAD", "POST"]


def test_an_operation_without_permission_is_not_served() -> None:
    with pytest.raises(ValueError, match="no permission"):
        Table().add(Operation("GET /v1/secrets", "", ""), nothing)


def test_one_route_one_operation() -> None:
    with pytest.raises(ValueError, match="twice"):
        table("GET /v1/quotes/{id}", "GET /v1/quotes/{number}")


def test_names_of_the_wire_are_not_parameters() -> None:
    with pytest.raises(ValueError, match="names of the wire"):
        table("GET /v1/quotes/{body}")


def test_every_declared_operation_is_found() -> None:
    declared = Table()
    known = {operation.route: operation for service in operations().values() for operation in service.values()}
    for operation in known.values():
        declared.add(operation, nothing)
    for operation in known.values():
        path = operation.path
        for name in operation.path_parameters:
            path = path.replace("{" + name + "}", QUOTE)
        assert declared.find(operation.method, path.encode())[0].operation is operation
