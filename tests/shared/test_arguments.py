"""A11: whatever a program sends over AMQP as arguments of a call, it is told what is wrong; nothing of it is a defect here."""

from collections.abc import Callable
from typing import Any

import pytest

from shared import contracts
from shared.api import operations
from shared.api.handlers import service_class
from shared.kernel.context import Context
from shared.kernel.refusals import BadRequest, Refusal
from tests.harness import Harness

NO_QUERIES: list[Any] = [[], ["limit"], "limit=5", "", 5, 0, True, False]
NO_TEXTS: list[Any] = [5, None, True, ["5"], {"eq": "5"}]
NO_IDS: list[Any] = [None, 5, True, [], ["x"], {}, {"x": 1}, "", "\0", "x" * 3000, "../..", "\ud800"]


def execute(harness: Harness, name: str, kwargs: dict[str, Any]) -> operations.Reply:
    context = Context(actor="tester", permissions=("*",), if_match="*")
    return operations.execute(harness.service, harness.engine, harness.operations[name], kwargs, context)


@pytest.mark.parametrize("name", contracts.SERVICES)
def test_arguments_that_are_none(service: Callable[[type], Harness], name: str) -> None:
    harness = service(service_class(name))
    for operation in harness.operations:
        path = harness.operations[operation].operation.path_parameters  # type: ignore[union-attr]
        good = dict.fromkeys(path, "019f0000-0000-7000-8000-000000000000")
        for query in NO_QUERIES:
            with pytest.raises(BadRequest) as refused:
                execute(harness, operation, good | {"query": query})
            assert refused.value.errors == [{"pointer": "/query", "code": "invalid_type"}], (operation, query)
        for value in NO_TEXTS:
            with pytest.raises(BadRequest) as refused:
                execute(harness, operation, good | {"query": {"limit": value}})
            assert refused.value.errors == [{"pointer": "?limit", "code": "invalid_type"}], (operation, value)
        for value in NO_IDS if path else []:
            with pytest.raises(Refusal):
                execute(harness, operation, dict.fromkeys(path, value))
