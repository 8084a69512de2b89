"""What the buying service offers, and the events of those who answer it. Registered only in processes that import it."""

from datetime import date, timedelta
from uuid import UUID

from shared import contracts
from shared.schema import Resource, State, Text, Verb, Whole
from shared.schema.contract import Event
from shared.schema.steps import Step, Steps

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


class Purchase(Resource, path="/v1/purchases", permission="toy.purchases", label="number"):
    """Something that is bought."""

    number = Text(20, required=True)
    amount = Whole(least=1, most=1000, required=True)
    status = State(requested="Requested", received="Received", withdrawn="Withdrawn", start="requested")
    withdraw = Verb("Withdraw it: nothing is bought", of=("requested",))
    resume = Verb("Resume it: what it waits for is asked again", of=("requested", "withdrawn"))


for _operation in Purchase.declaration.operations():
    _operation.service = NAME
contracts.events.cache_clear()
contracts._types_by_tag.cache_clear()
