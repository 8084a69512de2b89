"""Who may do what: every operation × nobody, each built-in role, a key with one scope, another company, one's own.

Generated from what services declare, against a running suite: what is expected follows from the declaration alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.http import contract
from gateway.identity.built_in import ROLES, permissions_of
from shared import contracts
from shared.api import operations
from shared.api.caller import NotAllowed
from shared.api.handlers import collect, service_class
from shared.kernel.context import ANONYMOUS, Context
from shared.kernel.ids import new_id
from shared.kernel.permissions import allows
from shared.kernel.refusals import Refusal, Unauthenticated
from shared.schema.collection import Collection, collections_of
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation
from tests.suite import Suite

DECLARED = [operation for declared in contracts.operations().values() for operation in declared.values()]
AT_THE_EDGE = list(contract.OPERATIONS.values())
EVERY = list({operation.route: operation for operation in (*DECLARED, *AT_THE_EDGE)}.values())
SOME_ID = "01900000-0000-7000-8000-0000000000aa"
PASSWORD = "plum-kettle-orbit-7"


@dataclass
class Caller:
    """Somebody with a bearer token, or without one."""

    http: httpx.Client

    def answer(self, operation: Operation) -> tuple[int, dict[str, Any]]:
        """Status and problem of a request that names nothing that exists and sends nothing."""
        path = operation.path
        for name in operation.path_parameters:
            path = path.replace("{" + name + "}", SOME_ID)
        with self.http.stream(operation.method, path) as response:
            if response.status_code < 400:
                return response.status_code, {}
            response.read()
            return response.status_code, response.json()


@pytest.fixture(scope="module")
def enter(running: Suite) -> Iterator[Callable[[str], Caller]]:
    clients: list[httpx.Client] = []

    def caller(token: str) -> Caller:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        clients.append(httpx.Client(base_url=running.base_url, headers=headers, timeout=30))
        return Caller(clients[-1])

    yield caller
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def somebody(running: Suite, enter: Callable[[str], Caller]) -> Callable[..., Caller]:
    """A new user, signed in."""

    def user(*roles: str, **given: Any) -> Caller:
        email = f"{new_id()}@matrix.example"
        running.api.post(
            "/v1/users", {"email": email, "name": "X", "roles": list(roles), "password": PASSWORD, **given}
        )
        return enter(running.sign_in(email, PASSWORD).token)

    return user


def judge(operation: Operation, held: tuple[str, ...] | None, status: int, problem: dict[str, Any]) -> str | None:
    """What is wrong with an answer to somebody who holds these permissions (None: nobody), or None."""
    denied = status == 403 and problem.get("permission") == operation.permission
    if operation.permission == PUBLIC:
        return None if not denied and problem.get("code") != "unauthenticated" else f"{status} for everybody"
    if held is None:
        return None if (status, problem.get("code")) == (401, "unauthenticated") else f"{status} for nobody"
    if operation.permission == SIGNED_IN or allows(held, operation.permission):
        return f"{status} though allowed" if denied or status == 401 or (status >= 500 and status != 503) else None
    return None if denied else f"{status} though not allowed"


def misjudged(caller: Caller, held: tuple[str, ...] | None) -> dict[str, str]:
    found = {operation.route: judge(operation, held, *caller.answer(operation)) for operation in EVERY}
    return {route: wrong for route, wrong in found.items() if wrong}


def test_every_operation_says_who_may() -> None:
    assert not [o.route for o in EVERY if not o.permission]
    known = contracts.permissions()
    assert not [o.route for o in DECLARED if o.permission not in (*known, PUBLIC, SIGNED_IN)]
    assert len(EVERY) > 150


def test_nobody(enter: Callable[[str], Caller]) -> None:
    assert misjudged(enter(""), None) == {}


@pytest.mark.parametrize("role", ROLES)
def test_each_built_in_role(somebody: Callable[..., Caller], role: str) -> None:
    assert misjudged(somebody(role), permissions_of((role,))) == {}


@pytest.mark.parametrize("scope", ["sales.orders:read", "contacts.*:write", "gateway.users:read"])
def test_a_key_with_one_scope(running: Suite, enter: Callable[[str], Caller], scope: str) -> None:
    key = running.api.post("/v1/api-keys", {"name": "matrix", "scopes": [scope]})
    caller = enter(key["secret"])
    wrong = misjudged(caller, (scope,))
    own_account = {o.route for o in EVERY if o.permission == SIGNED_IN and o.method != "GET"}
    assert set(wrong) <= own_account, wrong


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_services_decide_the_same_without_the_edge(service: str) -> None:
    """Before anything is read: there is no database here."""
    for handler in collect(service_class(service)):
        if handler.operation is None:
            continue
        operation = handler.operation
        for held, actor in [(permissions_of((role,)), "ada") for role in ROLES] + [((), "ada"), (("*",), ANONYMOUS)]:
            may = operation.permission in (PUBLIC, SIGNED_IN) or allows(held, operation.permission)
            refusal: Exception | None = None
            try:
                context = Context(actor=actor, permissions=held)
                operations.execute(None, None, handler, {"no": "such"}, context)  # type: ignore[arg-type]
            except Exception as error:
                refusal = error
            expected: type[Refusal] | None = None if may else NotAllowed
            if actor == ANONYMOUS and operation.permission != PUBLIC:
                expected = Unauthenticated
            if expected:
                assert type(refusal) is expected, (operation.name, held, refusal)
            else:
                assert not isinstance(refusal, (NotAllowed, Unauthenticated)), (operation.name, held, refusal)


# -- records ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def records(running: Suite) -> list[tuple[Collection, dict[str, Any]]]:
    """One record of every resource that has any, as the administrator sees it."""
    api = running.api
    customer = api.post("/v1/contacts", {"kind": "organization", "name": "Matrix SARL", "roles": ["customer"]})
    known = [api.last_event]
    product = api.post(
        "/v1/products", {"sku": f"M-{new_id()}", "name": "Lamp", "sale_price": "10.00", "tax_code": "S20"}
    )
    known.append(api.last_event)
    lines = {"customer_id": customer["id"], "lines": [{"product_id": product["id"], "quantity": "1"}]}
    for path in ("/v1/orders", "/v1/quotes"):
        api.post(path, lines, wait_for=",".join(known))
    found = []
    for declared in contracts.operations().values():
        for resource in collections_of(o for o in declared.values() if not o.derived):
            rows = api.get(f"{resource.path}?limit=1")["data"]
            found += [(resource, row) for row in rows[:1] if row.get("id")]
    assert len(found) >= 12
    return found


def _belongs_to_a_company(resource: Collection) -> bool:
    """By the model: some views do not show it."""
    assert resource.get is not None
    handlers = {handler.name: handler for handler in collect(service_class(resource.get.service))}
    cls = handlers[resource.get.name].aggregate_class
    return hasattr(cls, getattr(cls, "company_key", "company_id"))


def _member(resource: Collection, row: dict[str, Any]) -> str:
    return f"{resource.path}/{row['id']}"


STARTS_WITH = ("companies", "accounts", "journals", "fiscal-years", "periods")
"""What every company has of its own from the start."""


def test_another_company(running: Suite, records: list[Any], somebody: Callable[..., Caller]) -> None:
    """Everything is permitted there, and nothing of this company is to be seen."""
    elsewhere = running.api.post("/v1/companies", {"name": "Elsewhere"})["id"]
    stranger = somebody("admin", companies=[elsewhere]).http
    checked = 0
    for resource, row in records:
        of_a_company = _belongs_to_a_company(resource)
        expected = 404 if of_a_company else 200
        assert stranger.get(_member(resource, row)).status_code == expected, resource.path
        if of_a_company:
            checked += 1
            listed = stranger.get(resource.path, params={"include_total": "true"}).json()
            if resource.name in STARTS_WITH:
                assert {one.get("company_id", one["id"]) for one in listed["data"]} == {elsewhere}, resource.path
            else:
                assert (listed["data"], listed["total"]) == ([], 0), resource.path
            assert stranger.get(f"{_member(resource, row)}/history").status_code == 404, resource.path
    assert checked >= 8


def test_ones_own_and_somebody_elses(running: Suite, records: list[Any], somebody: Callable[..., Caller]) -> None:
    role = f"own_{new_id().hex[:12]}"
    running.api.post("/v1/roles", {"name": role, "permissions": ["*:read@own", "contacts.*:write@own"]})
    ada, bob = somebody(role).http, somebody(role).http
    for resource, row in records:
        assert ada.get(_member(resource, row)).status_code == 404, resource.path
        listed = ada.get(resource.path, params={"include_total": "true"})
        assert listed.status_code in (200, 400) and listed.json().get("total", 0) == 0, (resource.path, listed.text)
    body = {"kind": "person", "first_name": "Ada", "last_name": "Own"}
    mine = ada.post("/v1/contacts", json=body).json()
    assert ada.get(f"/v1/contacts/{mine['id']}").status_code == 200
    assert ada.get("/v1/contacts?include_total=true").json()["total"] == 1
    theirs = bob.get(f"/v1/contacts/{mine['id']}")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "not_found")
    change = {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    assert bob.patch(f"/v1/contacts/{mine['id']}", content=b'{"last_name":"X"}', headers=change).status_code == 404
    assert bob.get("/v1/contacts?include_total=true").json()["total"] == 0


def test_what_cannot_be_cut_is_denied(running: Suite, somebody: Callable[..., Caller]) -> None:
    role = f"own_{new_id().hex[:12]}"
    running.api.post("/v1/roles", {"name": role, "permissions": ["*:read@own"]})
    ada = somebody(role).http
    for path in ("/v1/reports/trial-balance", "/v1/ledger/verification", "/v1/roles", "/v1/reports/stock-valuation"):
        assert ada.get(path).status_code == 403, path
