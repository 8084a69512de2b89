"""What the buying service offers, and the events of those who answer it. Registered only in processes that import it."""

from datetime import date, timedelta
from uuid import UUID

from shared import contracts
from shared.schema.contract import Event, Listing, Operation
from shared.schema.steps import Step, Steps
from shared.wire import fields
from shared.wire.fields import Schema

NAME = "buying"

PURCHASE_STEPS = Steps(
    "purchase",
    "/v1/purchases",
    budget=Step("budgets.budget.reserved", undone_by="budgets.budget.released", within=timedelta(hours=1)),
    delivery=Step("depot.parcel.received", after="budget"),
)


class PurchaseRequested(Event, type="buying.purchase.requested", number=0x0D1):
    """Somebody wants to buy: the budget is asked."""

    purchase_id: UUID
    number: str
    amount: int


class PurchaseWithdrawn(Event, type="buying.purchase.withdrawn", number=0x0D2):
    """Nothing is bought: the budget takes back what it reserved."""

    purchase_id: UUID
    number: str


class BudgetReserved(Event, type="budgets.budget.reserved", number=0x0D3, about="purchase"):
    """The money is set aside."""

    budget_id: UUID
    purchase_id: UUID


class BudgetReleased(Event, type="budgets.budget.released", number=0x0D4, about="purchase"):
    """The money is free again."""

    budget_id: UUID
    purchase_id: UUID


class ParcelReceived(Event, type="depot.parcel.received", number=0x0D5):
    """What was bought is there."""

    parcel_id: UUID
    number: str
    purchase_id: UUID
    received_on: date


class PurchaseRequest(Schema):
    """Something to buy."""

    number = fields.Text(most=20, required=True)
    amount = fields.Whole(least=1, most=1000, required=True)


class PurchaseView(PurchaseRequest):
    """Something that is bought."""

    id = fields.Uuid()
    status = fields.Text()
    created_at = fields.Instant()


create_purchase = Operation(
    "POST /v1/purchases", "Buy", "toy.purchases:write", request=PurchaseRequest, response=PurchaseView, status=201
)
get_purchase = Operation("GET /v1/purchases/{id}", "One purchase", "toy.purchases:read", response=PurchaseView)
list_purchases = Operation(
    "GET /v1/purchases", "Purchases", "toy.purchases:read", response=PurchaseView, listing=Listing()
)
withdraw_purchase = Operation(
    "POST /v1/purchases/{id}/withdraw", "Buy nothing", "toy.purchases:write", response=PurchaseView
)

for _name, _operation in [(n, o) for n, o in globals().items() if isinstance(o, Operation)]:
    _operation.service, _operation.name = NAME, _name
contracts.events.cache_clear()
contracts._types_by_tag.cache_clear()
