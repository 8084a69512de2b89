"""Customer invoices and credit notes: one shape, two kinds."""

from shared.commerce.terms import LONGEST_DAYS
from shared.kernel.money import ZERO
from shared.schema import (
    Amount,
    Choice,
    Currency,
    Day,
    Group,
    Id,
    Line,
    Lines,
    Multiline,
    Percent,
    Price,
    Quantity,
    Refers,
    Resource,
    State,
    Text,
    Verb,
    Whole,
)
from shared.wire import fields

LINE_KINDS = {"goods": "Goods", "service": "Service", "consumable": "Consumable"}


class InvoiceLine(Line):
    """A line of an invoice or credit note; its net is quantity × unit_price less the discount, rounded, before tax."""

    order_line_id = Id("The order line that it bills.", computed=True, null=True)
    product_id = Refers("products", "What is billed.", null=True)
    description = Multiline(1000, "As printed.", required=True)
    kind = Choice(LINE_KINDS, "What is billed; it decides the revenue account.", default="goods")
    quantity = Quantity("How much of it.", positive=True, required=True)
    unit = Text(20, "In which it is counted.", default="unit")
    unit_price = Price("Without tax.", not_negative=True, required=True)
    discount_percent = Percent("Off the unit price.", default=ZERO)
    net = Amount("After discount, without tax.", computed=True)
    tax_code = Text(20, "The code of its tax.", default="S20")
    tax_rate = Percent("In percent, on the day on which the line was written.", computed=True)


class TaxOfRate(Group):
    """The tax of one rate on a document: `amount` is `base` × `rate`, rounded once (EN 16931, BR-CO-17).

    A part (of an order, or of an invoice that is credited) has the rounded tax of all parts so far less what the earlier
    ones had, so that the parts add up to the whole.
    """

    tax_code = Text(20, "The tax code.", computed=True)
    rate = Percent("In percent.", computed=True)
    base = Amount("The sum of the lines of this rate.", computed=True)
    amount = Amount("The tax.", computed=True)


class Mention(Group):
    """A mention that French law asks for."""

    code = Text(10, "The UNTDID 4451 subject (PMT, PMD, AAB, TXD).", computed=True)
    text = Text(1000, "What the document says.", computed=True)


class BillingDocument(Group):
    """The members that invoices and credit notes share."""

    company_id = Refers("companies", "Who bills.", create_only=True, optional=True)
    number = Text(
        35,
        "Its legal number, once it is issued.",
        computed=True,
        null=True,
        filter=True,
        sort=True,
        search=True,
        index=True,
    )
    status = State(
        draft="Draft",
        issued="Issued",
        partially_paid="Partially paid",
        paid="Paid",
        credited="Credited",
        start="draft",
        tones={"issued": "info", "partially_paid": "warning", "paid": "success"},
    )
    customer_id = Refers("contacts", "Who is billed.", required=True)
    customer_name = Text(201, "As it was when the document was made.", computed=True, search=True, index=True)
    order_id = Refers("orders", "The order that it bills.", by_handler=True, computed=True, null=True)
    delivery_id = Refers("deliveries", "The delivery that it bills.", by_handler=True, computed=True, null=True)
    delivered_on = Day("When that left.", computed=True, null=True)
    corrects_id = Refers("invoices", "The invoice that a credit note corrects.", computed=True, null=True)
    entry_id = Refers("journal-entries", "Its entry in the ledger.", by_handler=True, computed=True, null=True)
    currency = Currency(computed=True)
    issued_on = Day("The day of its number.", computed=True, null=True, filter=True, sort=True, index=True)
    due_on = Day("When it is due.", computed=True, null=True, filter=True, sort=True)
    payment_days = Whole("Net days; else those of the company.", least=0, most=LONGEST_DAYS, optional=True)
    reference = Text(200, "What the customer calls it.", default="")
    billing_mode = Text(2, "B1 goods, S1 services, M1 both (EN 16931, BT-23).", computed=True)
    lines = Lines(InvoiceLine, "What is billed.", least=1, once="id", required=True)
    taxes = Lines(TaxOfRate, "The tax of each rate.", computed=True)
    net_total = Amount("Without tax.", computed=True)
    tax_total = Amount("Of all rates.", computed=True)
    gross_total = Amount("With tax.", computed=True, filter=True, sort=True)
    residual = Amount("Unpaid, or of a credit note not yet set off.", computed=True, filter=True)
    notes = Lines(Mention, "What French law asks for.", computed=True)


class CreditNote(
    BillingDocument,
    Resource,
    path="/v1/credit-notes",
    permission="finance.invoices",
    label="number",
    operations=("get", "list"),
    columns=("number", "customer_name", "issued_on", "gross_total", "status"),
    filters={"total": fields.Amount()},
):
    """The correction of an invoice; amounts are positive."""


class InvoiceIssue(Group):
    """When it is issued."""

    issued_on = Day("Left out: today.", optional=True)


class CreditedLine(Group):
    """A line that is credited."""

    line_id = Id("The line of the invoice.", required=True)
    quantity = Quantity("How much of it; left out: what is not yet credited.", positive=True, optional=True)


class CreditRequest(Group):
    """What is credited, and why."""

    lines = Lines(
        CreditedLine, "Left out: everything that is not yet credited.", least=1, once="line_id", optional=True
    )
    reason = Text(200, "Why.", default="")


class Invoice(
    BillingDocument,
    Resource,
    path="/v1/invoices",
    permission="finance.invoices",
    label="number",
    operations=("create", "get", "list"),
    columns=("number", "customer_name", "issued_on", "due_on", "gross_total", "residual", "status"),
    filters={"total": fields.Amount()},
    summaries={"create": "Draft a customer invoice"},
):
    """A customer invoice: a draft until it is issued, then corrected by credit notes, never changed."""

    issue = Verb(
        "Issue the invoice: it gets its legal number and is posted",
        of=("draft",),
        request=InvoiceIssue,
        permission="finance.invoices:issue",
        idempotency="required",
    )
    credit = Verb(
        "Correct the invoice by a credit note",
        of=("issued", "partially_paid", "paid", "credited"),
        request=CreditRequest,
        response=CreditNote.declaration.view,
        permission="finance.invoices:issue",
        idempotency="required",
        status=201,
    )
