"""The own legal entities and what their books are made of."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from erp_finance import chain, chart
from erp_finance.ledger import open_year
from erp_finance.models import Account, Company, Journal, LedgerHead
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import command
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
    """Companies and their accounts."""

    @command(finance.Company.create)
    def create_company(self, session: Session, request: dict[str, Any]) -> Company:
        """A further legal entity with its chart, its journals and its present fiscal year."""
        company = Company(**{"id": new_id(), **request})
        session.add(company)
        session.flush()
        _start_books(session, company)
        publish(session, company.created())
        open_year(session, company.id, year_of(day_at(clock.now(), company.time_zone), company.fiscal_year_start))
        return company

    @command(finance.Company.update)
    def update_company(self, session: Session, company: Company, request: dict[str, Any]) -> Company:
        """Another time zone counts from the next document on; what has its day keeps it."""
        changes = recorded(finance.Company.declaration.changing, company)
        for name, value in request.items():
            setattr(company, name, value)
        publish(session, company.updated(changes()))
        forget_zones(session)
        return company

    @command(finance.Account.create)
    def create_account(self, session: Session, request: dict[str, Any]) -> Account:
        """A further account; the first digits of its code are those of an account of the chart."""
        if not chart.is_chart_code(request["code"]):
            raise Invalid.at("/code", "not_in_chart")
        account = Account(**{"id": new_id(), "name_en": request["name"], **request})
        session.add(account)
        return account


def company_of(session: Session, request: dict[str, Any]) -> Company:
    """The company that a request names, or else that in which the caller works. Raises Invalid."""
    company = session.get(Company, request.get("company_id") or current(session).company_id)
    if company is None:
        raise Invalid.at("/company_id", "not_found")
    return company


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
