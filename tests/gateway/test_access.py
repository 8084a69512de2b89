"""Who may do what."""

from dataclasses import replace

import pytest

from gateway.http import contract
from gateway.http.access import PUBLIC, AllCompaniesNeeded, NotAllowed, Principal, allows, check
from gateway.identity.built_in import ROLES, permissions_of
from shared.api.caller import permit
from shared.contracts import operations
from shared.kernel.context import Context
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import Unauthenticated
from shared.schema.contract import Operation
from shared.schema.derived import job_contract as jobs

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


def test_what_cannot_be_cut_by_company_needs_the_right_to_all() -> None:
    """A5. Parked messages, sign-ins and subscriptions, also as files and histories; at the edge and in services."""
    whole = [o for o in DECLARED if o.all_companies]
    assert {o.path.split("/")[2] for o in whole} == {"parked-messages", "sign-ins", "event-subscriptions", "teams"}
    assert {"export_event_subscriptions", "history_of_event_subscriptions"} <= {o.name for o in whole}
    company = DEFAULT_COMPANY_ID
    for operation in whole:
        check(operation, principal("*"))
        permit(operation, Context(actor="ada", permissions=("*",)))
        with pytest.raises(AllCompaniesNeeded):
            check(operation, replace(principal("*"), companies=(str(company),)))
        with pytest.raises(AllCompaniesNeeded):
            permit(operation, Context(actor="ada", permissions=("*",), companies=(company,)))


def test_a_key_ends_and_undoes_jobs_and_changes_no_account() -> None:
    """A5. What it may import it may cancel and undo: the service asks its scopes against those of the job."""
    key = replace(principal("contacts.*:write"), api_key=str(DEFAULT_COMPANY_ID))
    for name in ("cancel_job", "undo_job", "get_job"):
        check(jobs.PUBLIC[name], key)
    with pytest.raises(NotAllowed):
        check(contract.change_password, key)


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
