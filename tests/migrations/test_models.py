"""Traps first (ground, 1): what the models say of the tables and what the migrations made of them is the same."""

import importlib
from collections.abc import Iterator

import pytest
from sqlalchemy import MetaData, text

from deploy.local.provision import DatabaseUrls
from shared import contracts
from shared.api.gone import Audit
from shared.jobs.models import Job
from shared.storage.connecting import options, single
from tests.architecture.source import ROOT, files
from tests.conftest import Databases
from tests.migrations.catalog import MODELLED, TRIGGERS, describe

_MACHINERY = (
    "aggregate_sequence consumer_position file_chunk idempotency inbox job_claim job_error job_error_place_seq job_row known"
    " outbox outbox_id_seq timer"
)
_WITHOUT_MODEL = {
    "crm_contacts": "named used",
    "crm_sales": "company custom_field fiscal_year locked_period order_number quote_number",
    "erp_finance": "legal_series payment_number",
    "erp_inventory": "company custom_field delivery_number fiscal_year locked_period named product_external_id"
    " stock_adjustment_number used",
    "gateway": "company event_store event_store_position_seq own_write used_ticket",
}
"""Tables that only statements use, copies that the machinery keeps, and sequences."""

_TRIGGERS = {
    "crm_sales": "order_trace_no_delete order_trace_no_truncate order_trace_no_update",
    "erp_finance": "credit_approval_no_delete credit_approval_no_truncate credit_approval_no_update invoice_kept"
    " invoice_line_no_delete invoice_line_no_truncate invoice_line_no_update invoice_no_truncate journal_entry_balanced"
    " journal_entry_kept journal_entry_no_truncate journal_line_complete journal_line_no_delete journal_line_no_truncate"
    " journal_line_no_update ledger_anchor_no_delete ledger_anchor_no_truncate ledger_anchor_no_update",
    "erp_inventory": "product_external_ids stock_adjustment_line_no_delete stock_adjustment_line_no_truncate"
    " stock_adjustment_line_no_update stock_adjustment_no_delete stock_adjustment_no_truncate"
    " stock_adjustment_no_update stock_move_no_delete stock_move_no_truncate stock_move_no_update"
    " stock_move_obeys_period_locks",
}
_OF_THE_AUDIT = "audit_no_delete audit_no_truncate audit_no_update"


@pytest.fixture(scope="module", params=contracts.SERVICES)
def migrated(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[str, DatabaseUrls]]:
    urls = databases.fresh(request.param)
    yield request.param, urls
    databases.drop(urls)


def test_models_and_migrations_make_the_same_tables(migrated: tuple[str, DatabaseUrls]) -> None:
    """Tables, columns, types, defaults, constraints and indexes, by name; what has no model is listed above."""
    service, urls = migrated
    modelled, made = _described(service, urls.owner)
    listed = set(f"{_MACHINERY} {_WITHOUT_MODEL.get(service, '')}".split())
    without_model = {about(sentence) for sentence in made} - {about(sentence) for sentence in modelled}
    assert without_model == listed
    made = {sentence for sentence in made if about(sentence) not in listed}
    assert (sorted(modelled - made), sorted(made - modelled)) == ([], [])
    assert len(made) > 60


def test_the_database_refuses_what_it_is_said_to(migrated: tuple[str, DatabaseUrls]) -> None:
    """Triggers are in no model."""
    service, urls = migrated
    engine = single(urls.owner)
    with engine.connect() as connection:
        names = {about(sentence) for sentence in describe(connection, {"trigger": TRIGGERS})}
    engine.dispose()
    assert names == set(f"{_TRIGGERS.get(service, '')} {_OF_THE_AUDIT}".split())


def about(sentence: str) -> str:
    """The table, sequence or trigger that a sentence of the catalogue is about."""
    return sentence.split()[1]


def _described(service: str, owner: str) -> tuple[set[str], set[str]]:
    engine = single(owner, "READ COMMITTED", options=options(search_path="modelled,public"))
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA modelled"))
        for metadata in _metadata(service):
            metadata.create_all(connection, checkfirst=False)
        modelled = describe(connection, MODELLED, "modelled")
        connection.execute(text("SET search_path = public"))
        made = describe(connection, MODELLED)
    engine.dispose()
    # Rows from before a check may break it; PostgreSQL has none of them to say so of in a new table.
    return modelled, {sentence.removesuffix(" NOT VALID") for sentence in made}


def _metadata(service: str) -> Iterator[MetaData]:
    for path in files(f"services/{service}"):
        if path.stem == "models" or path.parent.name == "models":
            importlib.import_module(".".join(path.relative_to(ROOT / "services").with_suffix("").parts))
    yield importlib.import_module(f"{service}.models").Base.metadata
    yield Job.metadata
    yield Audit.metadata
