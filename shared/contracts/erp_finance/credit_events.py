"""Events of the credit of orders."""

from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Data, Event


class CreditFact(Data):
    """The order that it is about, and who may see it."""

    order_id: UUID
    customer_id: UUID

    permission: ClassVar[str] = "finance.credit_limits:read"


class CreditApproved(CreditFact, Event, type="erp_finance.credit.approved", number=0x065, about="order"):
    """The customer's exposure, this order included, is within the limit (`limit` None: no limit is set)."""

    exposure: Amount
    limit: Amount | None
    currency: str


class CreditHeld(CreditFact, Event, type="erp_finance.credit.held", number=0x82D, about="order"):
    """The order would exceed the customer's credit limit."""

    exposure: Amount
    limit: Amount
    currency: str


class CreditReleased(CreditFact, Event, type="erp_finance.credit.released", number=0xBBA, about="order"):
    """The exposure of a cancelled order was given back."""
