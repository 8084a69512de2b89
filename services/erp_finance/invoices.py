"""Customer invoices by hand: draft → issued → (paid by payments) ; corrected by credit notes, never changed."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_finance.companies import company_of
from erp_finance.crediting import allow_credit, credit_note_for
from erp_finance.errors import DateInFuture
from erp_finance.issuing import issue_for_event, issue_on_request
from erp_finance.models import Company, CreditNote, Customer, Invoice, InvoiceLine, TaxCode
from shared.commerce.lines import line_net
from shared.commerce.taxes import totals
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import command
from shared.kernel.business_days import business_day
from shared.kernel.ids import new_id
from shared.kernel.money import computed_at
from shared.kernel.refusals import Invalid
from shared.storage.outbox import publish


class Invoicing:
    """Invoices that no order asked for, and the correction of all."""

    @command(finance.Invoice.create)
    def create_invoice(self, session: Session, request: dict[str, Any]) -> Invoice:
        """Draft an invoice; prices are given, tax and totals are computed here."""
        company = company_of(session, request)
        customer = session.get_one(Customer, request["customer_id"])
        lines = _lines(session, request["lines"], company)
        with computed_at("/lines"):
            invoice = Invoice.drafted(
                lines, totals(lines, company.currency), id=request.get("id") or new_id(), company_id=company.id,
                customer_id=customer.id, customer_name=customer.name, currency=company.currency,
                payment_days=request.get("payment_days", company.payment_days), reference=request["reference"],
            )  # fmt: skip
        session.add(invoice)
        session.flush()
        publish(session, invoice.created())
        return invoice

    @command(finance.Invoice.issue)
    def issue_invoice(self, session: Session, invoice: Invoice, request: dict[str, Any]) -> Invoice:
        """Number, post and publish. A given day must not be before the last invoice's, nor ahead of today."""
        invoice.allow("issue")
        asked, today = request.get("issued_on"), business_day(session, invoice.company_id)
        if asked is None:
            issue_for_event(session, invoice, today)
        elif asked > today:
            raise DateInFuture(date=asked)
        else:
            issue_on_request(session, invoice, asked)
        return invoice

    @command(finance.Invoice.credit)
    def credit_invoice(self, session: Session, invoice: Invoice, request: dict[str, Any]) -> CreditNote:
        """Correct it, wholly or by lines; the credit note reduces what is open, the rest stays the customer's."""
        invoice.allow("credit")
        quantities = {line["line_id"]: line.get("quantity") for line in request.get("lines", [])}
        today = business_day(session, invoice.company_id)
        return credit_note_for(session, invoice, quantities or None, request["reason"], today)

    def allow_credit_invoice(self, session: Session, invoice: Invoice) -> None:
        """Raises NothingToCredit, as a credit note does."""
        invoice.allow("credit")
        allow_credit(session, invoice)


def _lines(session: Session, lines: list[dict[str, Any]], company: Company) -> list[InvoiceLine]:
    """The lines with the rate that each tax code has today. Raises Invalid for an unknown code."""
    rates = _sale_rates(session, {line["tax_code"] for line in lines}, business_day(session, company.id))
    unknown = [n for n, line in enumerate(lines) if line["tax_code"] not in rates]
    if unknown:
        raise Invalid([{"pointer": f"/lines/{n}/tax_code", "code": "not_found"} for n in unknown])
    return [_line(n, line, rates[line["tax_code"]], company.currency) for n, line in enumerate(lines)]


def _line(place: int, line: dict[str, Any], rate: Decimal, currency: str) -> InvoiceLine:
    with computed_at(f"/lines/{place}"):
        net = line_net(line["quantity"], line["unit_price"], line["discount_percent"], currency)
    return InvoiceLine(position=place + 1, **line, tax_rate=rate, net=net)


def _sale_rates(session: Session, codes: set[str], today: date) -> dict[str, Any]:
    valid = (
        select(TaxCode.code, TaxCode.rate)
        .where(TaxCode.code.in_(codes), TaxCode.kind == "sale", TaxCode.valid_from <= today)
        .where(TaxCode.valid_to.is_(None) | (TaxCode.valid_to >= today))
        .order_by(TaxCode.valid_from)
    )
    return {code: rate for code, rate in session.execute(valid)}
