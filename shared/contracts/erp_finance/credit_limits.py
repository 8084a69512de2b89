"""How much customers may owe, and how much they do."""

from shared.schema import Amount, Currency, Refers, Resource
from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema


class CreditLimit(
    Resource,
    path="/v1/credit-limits",
    permission="finance.credit_limits",
    label="customer_id",
    operations=("create", "get", "list", "update"),
    events={"created": 0x6E5, "changed": 0x6E6},
):
    """How much a customer may owe us in all, open orders included."""

    company_id = Refers("companies", "Whom it is owed to.", create_only=True, optional=True, published=True)
    customer_id = Refers("contacts", "Who owes.", required=True, create_only=True, published="contact_id")
    limit = Amount(
        "In the company's currency; null: no limit.", not_negative=True, null=True, required=True, published=True
    )
    currency = Currency(computed=True, published=True)


class ExposureView(Schema):
    """exposure = open_orders + receivable − unallocated; headroom = limit − exposure (null without a limit)."""

    customer_id = fields.Uuid(refers="contacts")
    currency = fields.Text()
    open_orders = fields.Amount()
    receivable = fields.Amount()
    unallocated = fields.Amount()
    exposure = fields.Amount()
    limit = fields.Amount(allow_none=True)
    headroom = fields.Amount(allow_none=True)
    as_of = fields.Instant()


get_exposure = Operation(
    "GET /v1/customers/{id}/exposure", "Show what a customer owes and has on order", "finance.credit_limits:read",
    response=ExposureView,
)  # fmt: skip
