"""Who our customers are, how much they may owe us, and how much they do."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_finance.companies import company_of
from erp_finance.credit import Exposure
from erp_finance.models import Company, CreditLimit, Customer, CustomerAccount
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import command, query
from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.storage.outbox import publish


class Customers:
    """Credit limits, exposure."""

    @command(finance.CreditLimit.create)
    def create_credit_limit(self, session: Session, request: dict[str, Any]) -> CreditLimit:
        """Orders that were approved before stay approved."""
        company = company_of(session, request)
        limit = CreditLimit(**{"id": new_id(), "company_id": company.id, "currency": company.currency, **request})
        session.add(limit)
        session.flush()
        publish(session, finance.CreditLimit.created.of(limit))
        return limit

    @query(finance.get_exposure)
    def get_exposure(self, session: Session, customer: Customer) -> dict[str, Any]:
        """What the customer owes and has on order, against its limit."""
        company_id = current(session).company_id
        account = session.get(CustomerAccount, (company_id, customer.id))
        found = select(CreditLimit).where(CreditLimit.customer_id == customer.id, CreditLimit.company_id == company_id)
        limit = session.scalars(found).first()
        company = session.get_one(Company, company_id)
        exposure = account.exposure if account else Exposure()
        return {
            "customer_id": customer.id, "currency": company.currency, "open_orders": exposure.open_orders,
            "receivable": exposure.receivable, "unallocated": exposure.unallocated, "exposure": exposure.total,
            "limit": limit.limit if limit else None, "headroom": exposure.headroom(limit.limit if limit else None),
            "as_of": clock.now(),
        }  # fmt: skip
