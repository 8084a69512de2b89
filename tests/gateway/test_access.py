"""Who may do what."""

from dataclasses import replace

import pytest

from gateway import contract
from gateway.access import PUBLIC, NotAllowed, Principal, allows, check
from gateway.roles import ROLES, permissions_of
from shared.contract import Operation
from shared.contracts import operations
from shared.refusals import Unauthenticated

DECLARED = [operation for service in operations().values() for operation in service.values()]


FOR_ADMINISTRATORS = {"gateway.users:write", "gateway.roles:write", "gateway.api_keys:write"}


def principal(*permissions: str) -> Principal:
    return Principal("u", "Ada", (), permissions, "c", 0.0, "t")


@pytest.mark.parametrize(
    ("held", "permission", "granted"),
    [
        ("*", "sales.orders:write", True),
        ("sales.orders:write", "sales.orders:write", True),
        ("sales.*:write", "sales.orders:write", True),
        ("sales.*:*", "sales.orders:release", True),
        ("*:read", "finance.accounts:read", True),
        ("*:read", "finance.accounts:write", False),
        ("sales.*:read", "sales.orders:write", False),
        ("sales.*:write", "salesforce.orders:write", False),
        ("sales.orders:write", "sales.orders:release", False),
        ("", "sales.orders:write", False),
        ("*", "", False),
    ],
)
def test_patterns(held: str, permission: str, granted: bool) -> None:
    assert allows((held,), permission) is granted


def test_other_rights_begin_without_what_was_made_of_the_old_ones() -> None:
    """A1. Views and statements of a principal are made of its rights; `replace` cannot carry them to other rights."""
    before, company = principal("*"), "0190d9a0-0000-7000-8000-000000000001"
    view = before.working_in(company)
    before.statements["crm_sales"] = view.statements["crm_sales"] = ("old", 1e12)
    after = replace(before, permissions=("sales.orders:read",), companies=(company,), team=("v",))
    assert not after.views and not after.statements
    assert after.working_in(company).permissions == after.permissions and not after.working_in(company).statements
    for derived in ("views", "statements"):
        with pytest.raises(ValueError, match="init=False"):
            replace(before, **{derived: {}})


def test_deny_by_default() -> None:
    unnamed = Operation("GET /v1/secrets", "", "")
    with pytest.raises(NotAllowed):
        check(unnamed, principal("*"))
    with pytest.raises(Unauthenticated):
        check(unnamed, None)


@pytest.mark.parametrize("operation", DECLARED, ids=lambda operation: f"{operation.service}.{operation.name}")
def test_every_operation_is_closed_to_strangers_and_open_to_somebody(operation: Operation) -> None:
    assert operation.permission.count(":") == 1 and operation.permission != PUBLIC
    with pytest.raises(Unauthenticated):
        check(operation, None)
    with pytest.raises(NotAllowed):
        check(operation, principal())
    check(operation, principal("*"))
    allowed = [role for role in ROLES if role != "admin" and allows(permissions_of((role,)), operation.permission)]
    only_administrators = operation.permission.startswith("system.") or operation.permission in FOR_ADMINISTRATORS
    assert allowed or only_administrators, f"only the administrator may {operation.permission}"


def test_the_auditor_changes_nothing() -> None:
    writing = [o for o in DECLARED if not o.is_query and o.derived != "export"]  # an export is a job, but only reads
    assert not [o.route for o in writing if allows(permissions_of(("auditor",)), o.permission)]


def test_only_sign_in_sign_out_and_the_catalogue_are_public() -> None:
    assert {o.route for o in contract.OPERATIONS.values() if o.permission == PUBLIC} == {
        "POST /v1/auth/token",
        "POST /v1/auth/revoke",
        "POST /v1/auth/invitation",
        "GET /v1/auth/oidc/start",
        "GET /v1/auth/oidc/callback",
        "GET /v1/event-types",
        "GET /v1/event-types/{type}",
        "GET /v1/event-types/{type}/schema",
    }
