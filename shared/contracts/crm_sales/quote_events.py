"""Events of quotes."""

from dataclasses import field
from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Changes, Data, Event


class QuoteNumber(Data):
    """By what every event of a quote names it."""

    quote_id: UUID
    number: str

    permission: ClassVar[str] = "sales.quotes:read"


class QuoteFact(QuoteNumber):
    """What most events of a quote carry: who offers to whom."""

    company_id: UUID
    customer_id: UUID


class QuoteState(QuoteFact):
    """What the events of a draft quote carry: the quote after the change."""

    status: str
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID]


class QuoteCreated(QuoteState, Event, type="crm_sales.quote.created", number=0x3F2):
    """A draft quote was made; it binds nobody before it is sent."""


class QuoteChanged(QuoteState, Event, type="crm_sales.quote.changed", number=0x3F3):
    """A draft quote was changed. Of its lines, `changes` shows product and price."""

    changes: Changes = field(default_factory=dict)


class QuoteSent(QuoteFact, Event, type="crm_sales.quote.sent", number=0x38C):
    """A quote was sent to the customer: until `valid_until` its prices bind."""

    revision: int
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    valid_until: date | None


class QuoteRefused(QuoteFact, Event, type="crm_sales.quote.refused", number=0x329):
    """The customer refused a quote."""

    reason: str


class QuoteExpired(QuoteFact, Event, type="crm_sales.quote.expired", number=0x6E1):
    """A sent quote was not accepted in time: its prices bind nobody any more."""

    valid_until: date


class QuoteCancelled(QuoteFact, Event, type="crm_sales.quote.cancelled", number=0x6E2):
    """The seller withdrew a quote, sent or still a draft."""


class QuoteRevised(QuoteFact, Event, type="crm_sales.quote.revised", number=0x6E3):
    """A quote is a draft again, under the same number: what was sent before binds nobody any more."""

    revision: int


class QuoteAccepted(QuoteNumber, Event, type="crm_sales.quote.accepted", number=0xBD1):
    """The customer accepted a quote; `order_id` is the draft order made from it."""

    order_id: UUID
    customer_id: UUID
