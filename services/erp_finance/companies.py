"""The own legal entities and what their books are made of."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from erp_finance import chain, chart, fiscal
from erp_finance.ledger import open_year
from erp_finance.models import Account, Company, Journal, LedgerHead
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel import clock
from shared.kernel.business_days import forget_zones
from shared.kernel.context import current
from shared.kernel.fiscal_years import year_of
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from shared.kernel.time_zones import day_at
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Companies:
    """Companies, accounts, journals."""

    @command(finance.create_company)
    def create_company(self, session: Session, request: dict[str, Any]) -> Company:
        """A further legal entity with its chart, its journals and its present fiscal year."""
        start = request.get("fiscal_year_start", "01-01")
        if not fiscal.is_start(start):
            raise Invalid.at("/fiscal_year_start", "invalid_date")
        defaults = {"id": new_id(), "currency": "EUR", "address": {}, "payment_days": 30, "fiscal_year_start": start}
        company = Company(**{**defaults, **request})
        session.add(company)
        session.flush()
        _start_books(session, company)
        publish(session, company.added())
        open_year(session, company.id, year_of(day_at(clock.now(), company.time_zone), start))
        return company

    @command(finance.change_company)
    def change_company(self, session: Session, company: Company, request: dict[str, Any]) -> Company:
        """Another time zone counts from the next document on; what has its day keeps it."""
        changes = recorded(finance.CompanyView, company)
        _change(company, request, required=("name", "payment_days", "vat_on_debits", "time_zone"))
        publish(session, company.changed(changes()))
        forget_zones(session)
        return company

    @query(finance.get_company)
    def get_company(self, session: Session, company: Company) -> Company:
        return company

    @query(finance.list_companies)
    def list_companies(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Company))

    @command(finance.create_account)
    def create_account(self, session: Session, request: dict[str, Any]) -> Account:
        """A further account; the first digits of its code are those of an account of the chart."""
        if not chart.is_chart_code(request["code"]):
            raise Invalid.at("/code", "not_in_chart")
        company_id: UUID = request.get("company_id") or current(session).company_id
        if session.get(Company, company_id) is None:
            raise Invalid.at("/company_id", "not_found")
        defaults = {"id": new_id(), "name_en": request["name"]}
        account = Account(**{**defaults, **request, "company_id": company_id})
        session.add(account)
        return account

    @command(finance.change_account)
    def change_account(self, session: Session, account: Account, request: dict[str, Any]) -> Account:
        _change(account, request, required=("name", "name_en", "reconcilable", "blocked"))
        return account

    @query(finance.get_account)
    def get_account(self, session: Session, account: Account) -> Account:
        return account

    @query(finance.list_accounts)
    def list_accounts(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Account))

    @query(finance.get_journal)
    def get_journal(self, session: Session, journal: Journal) -> Journal:
        return journal

    @query(finance.list_journals)
    def list_journals(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Journal))


def _change(thing: Company | Account, request: dict[str, Any], required: tuple[str, ...]) -> None:
    nulls = [{"pointer": f"/{name}", "code": "null"} for name in required if name in request and request[name] is None]
    if nulls:
        raise Invalid(nulls)
    for name, value in request.items():
        setattr(thing, name, value)


def _start_books(session: Session, company: Company) -> None:
    accounts = [
        {"company_id": company.id, "code": a.code, "name": a.name, "name_en": a.name_en, "type": a.type,
         "reconcilable": a.reconcilable, "blocked": a.code in chart.CONTROL_ACCOUNTS}
        for a in chart.accounts()
    ]  # fmt: skip
    journals = [
        {"company_id": company.id, "code": j.code, "name": j.name, "name_en": j.name_en, "type": j.type}
        for j in chart.journals()
    ]
    heads = [
        {"company_id": company.id, "journal": j.code, "currency": company.currency, "seq": 0,
         "hash": chain.GENESIS, "numbers": {}}
        for j in chart.journals()
    ]  # fmt: skip
    session.execute(insert(Account), accounts)
    session.execute(insert(Journal), journals)
    session.execute(insert(LedgerHead), heads)
