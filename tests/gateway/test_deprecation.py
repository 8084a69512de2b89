"""Operations that will go say so in every answer and in the document."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from gateway.docs import openapi
from gateway.http.deprecation import noticed
from shared.schema.contract import Operation
from shared.schema.derived import with_derived

OLD = Operation(
    "GET /v1/old/{id}",
    "Read what is old",
    "sales.old:read",
    deprecated="2027-01-01",
    sunset="2027-07-01",
    successor="/v1/new/{id}",
)


async def endpoint(request: Any) -> Response:
    return Response("{}")


def test_headers() -> None:
    answer = asyncio.run(noticed(OLD, endpoint)(None))  # type: ignore[arg-type, var-annotated]
    assert answer.headers["deprecation"] == "@1798761600"
    assert answer.headers["sunset"] == "Thu, 01 Jul 2027 00:00:00 GMT"
    assert answer.headers["link"] == '</v1/new/{id}>; rel="successor-version"'


def test_others_are_not_slowed_down() -> None:
    assert noticed(Operation("GET /v1/new", "", "sales.new:read"), endpoint) is endpoint


def test_the_document_says_it() -> None:
    described = openapi._operation(OLD, openapi.Components(), openapi.Components())
    assert described["deprecated"] is True
    assert {"Deprecation", "Sunset", "Link"} <= set(described["responses"]["204"]["headers"])


@pytest.mark.parametrize("day", ["2027-13-01", "soon", "2027"])
def test_a_date_is_a_date(day: str) -> None:
    with pytest.raises(ValueError):
        Operation("GET /v1/old", "", "sales.old:read", deprecated=day)


def test_what_follows_from_a_deprecated_resource_is_deprecated() -> None:
    from tests.shared.toy import contract as toy

    declared = {name: o for name, o in vars(toy).items() if isinstance(o, Operation)}
    toy.list_things.deprecated = "2027-01-01"
    try:
        derived = [o for o in with_derived(declared, "toy").values() if o.collection]
    finally:
        toy.list_things.deprecated = ""
    assert derived and {o.deprecated for o in derived} == {"2027-01-01"}
