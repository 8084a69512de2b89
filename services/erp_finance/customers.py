"""Who our customers are, how much they may owe us, and how much they do."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_finance.credit import Exposure
from erp_finance.models import Company, CreditLimit, Customer, CustomerAccount
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Customers:
    """Credit limits, exposure."""

    @command(finance.create_credit_limit)
    def create_credit_limit(self, session: Session, request: dict[str, Any]) -> CreditLimit:
        """Limit what a customer may owe. Orders that were approved before stay approved."""
        company = session.get(Company, request.get("company_id") or current(session).company_id)
        if company is None:
            raise Invalid.at("/company_id", "not_found")
        limit = CreditLimit(
            id=request.get("id") or new_id(), company_id=company.id, contact_id=request["contact_id"],
            limit=request["limit"], currency=company.currency,
        )  # fmt: skip
        session.add(limit)
        session.flush()
        publish(session, limit.created())
        return limit

    @command(finance.change_credit_limit)
    def change_credit_limit(self, session: Session, limit: CreditLimit, request: dict[str, Any]) -> CreditLimit:
        """Set another limit; it counts from the next order on."""
        changes = recorded(finance.CreditLimitView, limit)
        if "limit" in request:
            limit.limit = request["limit"]
        if told := changes():
            publish(session, limit.changed(told))
        return limit

    @query(finance.get_credit_limit)
    def get_credit_limit(self, session: Session, limit: CreditLimit) -> CreditLimit:
        return limit

    @query(finance.list_credit_limits)
    def list_credit_limits(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(CreditLimit))

    @query(finance.get_exposure)
    def get_exposure(self, session: Session, customer: Customer) -> dict[str, Any]:
        """What the customer owes and has on order, against its limit."""
        company_id = current(session).company_id
        account = session.get(CustomerAccount, (company_id, customer.id))
        found = select(CreditLimit).where(CreditLimit.contact_id == customer.id, CreditLimit.company_id == company_id)
        limit = session.scalars(found).first()
        company = session.get_one(Company, company_id)
        exposure = account.exposure if account else Exposure()
        return {
            "customer_id": customer.id, "currency": company.currency, "open_orders": exposure.open_orders,
            "receivable": exposure.receivable, "unallocated": exposure.unallocated, "exposure": exposure.total,
            "limit": limit.limit if limit else None, "headroom": exposure.headroom(limit.limit if limit else None),
            "as_of": clock.now(),
        }  # fmt: skip
