"""To whom and at which price: the replicas, read for a document that is being written."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from crm_sales.errors import CustomerNotActive
from crm_sales.models import Customer, Order, OrderLine, Product, Quote, QuoteLine, TaxRate
from crm_sales.pricing import PriceBook, PricedLine, price
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.refusals import Invalid

OVERRIDE = "sales.prices:override"


def active_customer(session: Session, customer_id: UUID) -> Customer:
    """Someone to sell to. Raises Invalid at /customer_id."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Invalid.at("/customer_id", "not_found")
    if customer.status != "active":
        raise CustomerNotActive([{"pointer": "/customer_id", "code": "customer_not_active"}])
    return customer


def price_lines(
    session: Session, requests: Sequence[dict[str, Any]], currency: str, company_id: UUID
) -> list[PricedLine]:
    """The requested lines at the prices and tax rates of the company's day. Raises Invalid."""
    wanted = {request["product_id"] for request in requests}
    items = {product.id: product for product in session.scalars(select(Product).where(Product.id.in_(wanted)))}
    known = {code: rate for code, rate in session.execute(_RATES, {"day": business_day(session, company_id)})}
    return price(requests, PriceBook(items, known, currency, current(session).may(OVERRIDE)))


_RATES = (
    select(TaxRate.code, TaxRate.rate)
    .ext(distinct_on(TaxRate.code))
    .where(TaxRate.valid_from <= bindparam("day"))
    .order_by(TaxRate.code, TaxRate.valid_from.desc())
)


def new_document(session: Session, request: dict[str, Any]) -> tuple[dict[str, Any], list[PricedLine]]:
    """(columns, lines) of a new quote or order. Raises Invalid."""
    customer = active_customer(session, request["customer_id"])
    company_id = request.get("company_id") or current(session).company_id
    lines = price_lines(session, request["lines"], request.get("currency", "EUR"), company_id)
    columns = {**{name: value for name, value in request.items() if name != "lines"}, "company_id": company_id}
    columns.setdefault("owner_id", current(session).person)
    return {**columns, "customer_name": customer.name}, lines


def change_document(session: Session, document: Order | Quote, request: dict[str, Any]) -> None:
    """Apply a merge patch to a draft. Raises NotEditable, Invalid."""
    document.check_editable()
    currency = request.get("currency", document.currency)
    if currency != document.currency and "lines" not in request:
        raise Invalid.at("/lines", "required")
    columns = {name: value for name, value in request.items() if name != "lines"}
    if "customer_id" in request:
        columns["customer_name"] = active_customer(session, request["customer_id"]).name
    lines = price_lines(session, request["lines"], currency, document.company_id) if "lines" in request else None
    if lines is not None:
        _drop_lines(session, document)
    document.change(columns, lines)


def _drop_lines(session: Session, document: Order | Quote) -> None:
    """Delete the lines in one statement, where the relationship would delete them one by one."""
    if isinstance(document, Order):
        session.execute(delete(OrderLine).where(OrderLine.order_id == document.id))
    else:
        session.execute(delete(QuoteLine).where(QuoteLine.quote_id == document.id))
    for line in document.lines:
        session.expunge(line)
    set_committed_value(document, "lines", [])
