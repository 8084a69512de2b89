"""Seeing where an order stands and why, and asking again for an answer that never came."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm_sales.models import Order, OrderStep, OrderTrace
from crm_sales.process import STEPS, Step, steps_of
from crm_sales.story import tell
from shared.contracts import crm_sales as sales
from shared.flows.entrypoints import command, every, query
from shared.kernel import clock

_OVERDUE = text(
    "UPDATE order_step SET reason = 'overdue'"
    " WHERE status = 'pending' AND deadline IS NOT NULL AND reason IS NULL AND deadline < :now"
)


class Overseeing:
    """A step that waits too long says so; a person resumes or cancels."""

    @query(sales.get_progress)
    def get_progress(self, session: Session, order: Order) -> dict[str, Any]:
        stored = {step.name: step for step in session.scalars(select(OrderStep).where(OrderStep.order_id == order.id))}
        steps = [stored[name] for name in STEPS if name in stored]
        return {"order_id": order.id, "status": order.status, "steps": steps}

    @query(sales.get_trace)
    def get_trace(self, session: Session, order: Order) -> dict[str, Any]:
        nodes = select(OrderTrace).where(OrderTrace.order_id == order.id).order_by(OrderTrace.at, OrderTrace.event_id)
        return {"nodes": session.scalars(nodes).all()}

    @every(seconds=30)
    def mark_overdue(self, session: Session) -> None:
        session.execute(_OVERDUE, {"now": clock.now()})

    @command(sales.resume_order)
    def resume_order(self, session: Session, order: Order) -> Order:
        """Ask once more; whoever has answered already repeats the answer."""
        tell(session, order, _without_open_steps(order), [order.resume()])
        return order


def _without_open_steps(order: Order) -> list[Step]:
    """All steps but the pending ones, so that those start again with a new deadline."""
    return [step for step in steps_of(order) if step.status != "pending"]
