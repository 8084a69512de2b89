"""What quotes and orders have in common: whom they are for, their lines and their totals."""

from decimal import Decimal

from shared.commerce.terms import NET_DAYS
from shared.schema import (
    Amount,
    Choice,
    Currency,
    Custom,
    Group,
    Line,
    Multiline,
    Percent,
    Price,
    Quantity,
    Refers,
    Tags,
    Text,
)


class DocumentLine(Line):
    """A line of a quote or an order. `net` = quantity × unit_price × (1 − discount_percent / 100), rounded, without tax."""

    product_id = Refers("products", "What is sold.", by_handler=True, required=True, published=True)
    description = Multiline(500, "As printed; else the name of the product.", least=1, optional=True)
    quantity = Quantity("How much of it.", positive=True, required=True, published=True)
    unit = Text(20, "That of the product.", optional=True)
    unit_price = Price(
        "Without tax; else the list price. Another one needs the permission `sales.prices:override`.",
        not_negative=True,
        optional=True,
        published=True,
    )
    discount_percent = Percent("Off the unit price.", default=Decimal(0), published=True)
    tax_code = Text(20, "Else that of the product.", optional=True, published=True)
    tax_rate = Percent("In percent, on the day on which the line was written.", computed=True)
    net = Amount("After discount, without tax.", not_negative=True, computed=True, published=True)


class Reason(Group):
    """Why it is done."""

    reason = Multiline(500, "In a person's words.", required=True)


class SalesDocument(Group):
    """The members that quotes and orders share."""

    number = Text(20, "Given when it is made.", computed=True, unique=True, filter=True, sort=True, search=True)
    company_id = Refers("companies", "Who sells.", create_only=True, optional=True)
    customer_id = Refers("contacts", "Who buys.", required=True)
    customer_name = Text(201, "As it was when the document was last written.", computed=True, search=True)
    opportunity_id = Refers("opportunities", "What it comes from.", planned=True, null=True)
    owner_id = Refers("users", "Who looks after it.", null=True)
    currency = Currency(default="EUR")
    payment_terms = Choice(tuple(NET_DAYS), "When invoices are due.", default="net_30")
    reference = Text(100, "What the customer calls it.", null=True)
    tags = Tags()
    custom = Custom(optional=True)
    net_total = Amount("Without tax.", not_negative=True, computed=True)
    tax_total = Amount("Rounded once for each rate.", not_negative=True, computed=True)
    gross_total = Amount("With tax.", computed=True, filter=True, sort=True)
