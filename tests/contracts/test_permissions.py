"""D7: what code asks for and roles grant exists, and everything that exists is listed with its meaning."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.identity.built_in import ROLES
from shared import contracts
from shared.kernel.permissions import allows, is_known
from shared.schema.contract import PUBLIC, SIGNED_IN
from tests.contracts import permissions

ROOT = Path(__file__).parents[2]
_PERMISSION = re.compile(r"[a-z_]+\.[a-z_*]+:[a-z_*]+(@(own|team))?")


def written() -> Iterator[tuple[str, str]]:
    """(file, string) of every string in the code that looks like a permission; docstrings are longer than that."""
    for file in sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py"), *ROOT.glob("deploy/**/*.py")]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PERMISSION.fullmatch(node.value):
                yield str(file.relative_to(ROOT)), node.value


def test_every_permission_in_the_code_exists() -> None:
    known = contracts.permissions()
    found = list(written())
    assert len(found) > 100
    assert [(file, name) for file, name in found if not is_known(name, known)] == []


def test_what_operations_and_events_ask_for_is_listed_and_nothing_else() -> None:
    operations = {o.permission for declared in contracts.operations().values() for o in declared.values()}
    events = {event.permission for event in contracts.events().values()}
    by_handlers = {name for file, name in written() if not file.startswith("shared/contracts/")}
    asked = (operations | events) - {PUBLIC, SIGNED_IN, ""}
    assert asked <= set(contracts.permissions())
    assert set(contracts.permissions()) - asked <= by_handlers | {contracts.AUDIT_PERMISSION}


@pytest.mark.parametrize("role", ROLES)
def test_roles_grant_only_what_exists(role: str) -> None:
    known = contracts.permissions()
    assert [pattern for pattern in ROLES[role] if not is_known(pattern, known)] == []


@pytest.mark.parametrize("role", ["sales", "sales_manager", "accountant"])
def test_who_sells_sees_the_credit_of_customers(role: str) -> None:
    exposure = contracts.operations()["erp_finance"]["get_exposure"]
    assert allows(ROLES[role], exposure.permission) and allows(ROLES[role], "finance.credit_limits:read")


def test_every_permission_has_a_meaning_in_both_languages() -> None:
    labels = contracts.labels()
    assert all(english and french and english != french for english, french in labels.values())
    for language in (0, 1):
        meanings = [label[language] for label in labels.values()]
        assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize("file", permissions.current(), ids=lambda file: file.parent.name)
def test_the_page_of_permissions_is_up_to_date(file: Path) -> None:
    """`make contracts` writes it anew."""
    assert file.read_text(encoding="utf-8") == permissions.current()[file]
