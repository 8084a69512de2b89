"""Previews: what lines would cost, without storing anything."""

from shared.contracts.crm_sales.documents import DocumentLine
from shared.schema import Amount, Currency, Group, Lines, Percent, Refers, Text
from shared.schema.contract import Operation


class PreviewRequest(Group):
    """Lines to price without storing anything."""

    customer_id = Refers("contacts", "Who would buy.")
    currency = Currency(default="EUR")
    lines = Lines(DocumentLine, "What would be sold.", least=1, once="id", required=True)


class Tax(Group):
    """Tax of one rate on a document: rounded once, on the sum of its lines."""

    tax_code = Text(20, "The code of the rate.", computed=True)
    rate = Percent("In percent.", computed=True)
    base = Amount("What is taxed.", computed=True)
    amount = Amount("The tax.", computed=True)


class Preview(Group):
    """Priced lines and totals of what was asked."""

    currency = Currency(computed=True)
    lines = Lines(DocumentLine, "The priced lines.", computed=True)
    taxes = Lines(Tax, "The tax of each rate.", computed=True)
    net_total = Amount("Without tax.", computed=True)
    tax_total = Amount("Rounded once for each rate.", computed=True)
    gross_total = Amount("With tax.", computed=True)


preview_quote = Operation(
    "POST /v1/quotes/preview",
    "Price lines without storing anything",
    "sales.quotes:read",
    request=PreviewRequest.sent_schema,
    response=Preview.shown_schema,
    idempotency="none",
)
