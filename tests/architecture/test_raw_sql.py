"""Traps first (ground, 1): raw SQL shows nothing of companies that the caller may not see.

Statements of the ORM are restricted by the machinery. A raw one that reads or changes rows of companies has the condition
of `shared/storage/company_sql.py`, or is about one company by `:company_id`, or stands below with the reason.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import TextClause

from shared import contracts
from shared.storage.company_sql import in_companies, restricted
from tests.architecture.source import domain_files, short, tree

_BY_ROW = "by the ids of rows that were loaded before"
_AFTER_EVENTS = "follows an event, by ids in it: no caller is there"
_ACCOUNTS = "says who a caller is, before it is known what they may see"
_ALL_EVENTS = "for all readers at once; each is shown their own"

NEED_NOT = {
    "crm_sales.quoting._EXPIRE": "a timer, for all companies: its parameter has the day that it is in each",
    "erp_finance.entries._NOTE_ANCHORS": "a timer, for all companies",
    "erp_finance.ledger._ENTRY_OF": _BY_ROW,
    "erp_inventory.backdating._BROKEN": _BY_ROW,
    "erp_inventory.backdating._CAME": _BY_ROW,
    "erp_inventory.enquiries._BALANCES": _BY_ROW,
    "erp_inventory.ledger._LOCK": _BY_ROW,
    "erp_inventory.ledger._OPEN": _BY_ROW,
    "erp_inventory.shortages._LOCK": _AFTER_EVENTS,
    "erp_inventory.shortages._NOTE": _AFTER_EVENTS,
    "erp_inventory.shortages._SERVED": _AFTER_EVENTS,
    "gateway.identity.directory._KEY": _ACCOUNTS,
    "gateway.identity.directory._KEY_OF_ROW": _ACCOUNTS,
    "gateway.identity.directory._USED": _ACCOUNTS,
    "gateway.identity.directory._USER": _ACCOUNTS,
    "gateway.events.store._AFTER": _ALL_EVENTS,
    "gateway.events.store._APPEND": _ALL_EVENTS,
    "gateway.events.store._NEWEST": _ALL_EVENTS,
    "gateway.events.store._POSITION": "tells where an event stands, nothing of the event",
    "gateway.events.storing._FORGET": "a timer, for all companies",
    "gateway.identity.reaches._SEEING": _ACCOUNTS,
    "gateway.identity.people._BELOW": _ACCOUNTS,
    "gateway.identity.people._TEAM": _ACCOUNTS,
    "gateway.webhooks.feed._HEAD": _ALL_EVENTS,
    "gateway.webhooks.feed._NEXT": _ALL_EVENTS,
    "gateway.webhooks.feed._ONE": _BY_ROW,
    "gateway.webhooks.worker._LAG": "a measurement of all webhooks",
}
_TABLES_WITHOUT_MODEL = {"event_store", "fiscal_year", "legal_series", "locked_period"}
_WRITTEN_IN_PLACE = {
    "services/erp_finance/reports.py: text(_LINES.format(order=order))",
    "services/gateway/events/settling.py: text('SELECT 1')",
    "services/gateway/events/settling.py: text('SELECT pg_try_advisory_lock(:lock)')",
    "services/gateway/events/store.py: text('SELECT pg_advisory_xact_lock(:lock)')",
    "services/gateway/events/store.py: text(f'NOTIFY {CHANNEL}')",
    "services/gateway/edge/health.py: text('SELECT 1')",
}
"""Texts within functions, where the test below does not see them: about no company, or about one."""

_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)")
_ONE_COMPANY = re.compile(r"\bcompany_id = :company_id\b|\(company_id, [^)]*\)\s+VALUES \(:company_id,")


def statements(service: str) -> Iterator[tuple[str, str]]:
    """(name, SQL) of the texts that modules of a service have."""
    package = importlib.import_module(service)
    for module in pkgutil.walk_packages(package.__path__, f"{service}."):
        if not {"migrations", "__main__"} & set(module.name.split(".")):
            for name, value in vars(importlib.import_module(module.name)).items():
                for one in value.values() if isinstance(value, dict) else [value]:
                    if isinstance(one, TextClause):
                        yield f"{module.name}.{name}", one.text


def tables_of_companies(service: str) -> set[str]:
    tables = importlib.import_module(f"{service}.models").Base.metadata.tables.values()
    return {table.name for table in tables if "company_id" in table.c} | _TABLES_WITHOUT_MODEL


def is_restricted(sql: str) -> bool:
    return restricted("").removesuffix(")") in sql or bool(_ONE_COMPANY.search(sql))


def unrestricted(service: str) -> set[str]:
    concerned = tables_of_companies(service)
    return {n for n, sql in statements(service) if concerned & set(_TABLE.findall(sql)) and not is_restricted(sql)}


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_raw_sql_restricts_itself_to_companies(service: str) -> None:
    """Or is listed above, and what is listed is there."""
    assert unrestricted(service) == {name for name in NEED_NOT if name.startswith(f"{service}.")}


def test_texts_within_functions_are_known() -> None:
    found = set()
    for path in [path for path in domain_files() if "migrations" not in path.parts]:
        functions = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        calls = [c for f in functions for c in ast.walk(f) if isinstance(c, ast.Call) and _is_text(c)]
        found |= {f"{short(path)}: {ast.unparse(call)}" for call in calls}
    assert found == _WRITTEN_IN_PLACE


def test_the_rule_sees_what_it_is_about() -> None:
    assert is_restricted(f"SELECT 1 FROM quote q WHERE {in_companies('q.company_id')}")
    assert is_restricted("INSERT INTO legal_series (company_id, year) VALUES (:company_id, 1)")
    assert not is_restricted("SELECT 1 FROM quote WHERE id = :id AND company_id = ANY(:companies)")


def _is_text(call: ast.Call) -> bool:
    return (isinstance(call.func, ast.Name) and call.func.id == "text") or (
        isinstance(call.func, ast.Attribute) and call.func.attr == "exec_driver_sql"
    )
