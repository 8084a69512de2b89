"""The steps of an order as a pure function of what is known of it."""

from datetime import datetime
from typing import Protocol

from shared.contracts.crm_sales import ORDER_STEPS
from shared.schema.steps import CANCELLED, StepStatus


class OrderFacts(Protocol):
    """What the steps are derived from."""

    status: str
    credit_status: str
    stock_status: str
    delivery_status: str
    invoice_status: str
    payment_status: str
    invoicing_policy: str
    hold_reason: str | None
    confirmed_at: datetime | None
    invoice_due: bool


def steps_of(order: OrderFacts) -> tuple[StepStatus, ...]:
    """All steps of a placed order; none of a draft or of one that was cancelled as a draft."""
    if order.credit_status == "none":
        return ()
    return (
        ORDER_STEPS["placed"].at(done=True),
        _credit(order),
        _stock(order),
        _confirmation(order),
        _later(order, "delivery", order.delivery_status == "delivered", order.confirmed_at is not None),
        _later(order, "invoicing", order.invoice_status == "invoiced", order.invoice_due),
        _later(order, "payment", order.payment_status == "paid", order.invoice_status != "none"),
    )


def _credit(order: OrderFacts) -> StepStatus:
    cancelled, known = order.status == "cancelled", order.credit_status
    if known == "held" and not cancelled:
        return ORDER_STEPS["credit"].failed(order.hold_reason, waits_for="release_hold")
    return ORDER_STEPS["credit"].at(
        done=known in ("approved", "overridden"),
        cancelled=cancelled,
        compensated=known == "released",
        reason="released_by_a_person" if known == "overridden" else None,
    )


def _stock(order: OrderFacts) -> StepStatus:
    return ORDER_STEPS["stock"].at(
        done=order.stock_status == "complete",
        cancelled=order.status == "cancelled",
        compensated=order.stock_status == "released",
        reason="backordered" if order.stock_status == "short" else None,
    )


def _confirmation(order: OrderFacts) -> StepStatus:
    """Nobody else has to undo it: it ends with the order."""
    cancelled, done = order.status == "cancelled", order.confirmed_at is not None
    reason = CANCELLED if cancelled else None
    return ORDER_STEPS["confirmation"].at(done=done, cancelled=cancelled, compensated=cancelled and done, reason=reason)


def _later(order: OrderFacts, name: str, done: bool, begun: bool) -> StepStatus:
    at_once = name == "invoicing" and order.invoicing_policy == "on_order"
    after = "confirmation" if at_once else ""
    return ORDER_STEPS[name].at(done=done, begun=begun, cancelled=order.status == "cancelled", after=after)
