"""The buying service."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.flows.entrypoints import ListRequest, Page, command, query, subscribe
from shared.kernel.refusals import NotYet
from shared.process.frame import Process

from . import contract as buying
from .models import Purchase


class PurchaseNotHere(NotYet):
    """An answer about a purchase that is not in this database (yet)."""

    code = "purchase_not_here"
    en = "Purchase {id} is not known here yet."
    fr = "L'achat {id} n'est pas encore connu ici."


class PurchaseProcess(Process[Purchase], of=Purchase, steps=buying.PURCHASE_STEPS, unknown=PurchaseNotHere):
    """From the wish to the parcel."""


class Buying:
    """requested → received, or withdrawn."""

    name = buying.NAME

    @command(buying.Purchase.create)
    def create_purchase(self, session: Session, request: dict[str, Any]) -> Purchase:
        with PurchaseProcess.start(session, Purchase(status="requested", budget="asked", **request)) as process:
            process.publish(buying.PurchaseRequested.of(process.aggregate))
        return process.aggregate

    @query(buying.Purchase.get)
    def get_purchase(self, session: Session, purchase: Purchase) -> Purchase:
        return purchase

    @query(buying.Purchase.list)
    def list_purchases(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Purchase))

    @subscribe(buying.BudgetReserved, buying.BudgetReleased)
    def note_budget(self, session: Session, event: buying.BudgetReserved | buying.BudgetReleased) -> None:
        with PurchaseProcess.of(session, event.purchase_id, about=event) as process:
            if process.aggregate.budget != "released":
                process.aggregate.budget = "reserved" if isinstance(event, buying.BudgetReserved) else "released"

    @subscribe(buying.ParcelReceived)
    def note_parcel(self, session: Session, event: buying.ParcelReceived) -> None:
        with PurchaseProcess.of(session, event.purchase_id, about=event) as process:
            if process.aggregate.status == "requested":
                process.aggregate.status = "received"
