"""The tables of the buying service."""

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.orm import DeclarativeBase, Mapped

from shared.process.tables import create_process_tables, process_tables
from shared.schema.contract import Event
from shared.schema.steps import StepStatus
from shared.storage.database import Aggregate, Conventions, new_metadata
from shared.storage.trees import MACHINERY

from . import contract as buying


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Purchase(Aggregate, Base, of=buying.Purchase):
    """Something to buy: its budget is reserved, then it arrives."""

    number: Mapped[str]
    amount: Mapped[int]
    status: Mapped[str]
    budget: Mapped[str]

    def steps(self) -> tuple[StepStatus, ...]:
        steps, withdrawn = buying.PURCHASE_STEPS, self.status == "withdrawn"
        return (
            steps["budget"].at(
                done=self.budget == "reserved", cancelled=withdrawn, compensated=self.budget == "released"
            ),
            steps["delivery"].at(done=self.status == "received", begun=self.budget == "reserved", cancelled=withdrawn),
        )

    def resume(self) -> list[Event]:
        self.allow("resume")
        if self.status == "requested" and self.budget == "asked":
            return [buying.PurchaseRequested.of(self)]
        return [buying.PurchaseWithdrawn.of(self)] if self.status == "withdrawn" and self.budget != "released" else []

    def withdraw(self) -> Event:
        self.allow("withdraw")
        self.status = "withdrawn"
        return buying.PurchaseWithdrawn.of(self)


process_tables(Base.metadata, buying.PURCHASE_STEPS, "purchase")


def create_schema(connection: Connection) -> None:
    """What the operator's `migrate` would do: the machinery's tree, then the service's own."""
    MACHINERY.upgrade(connection)
    Base.metadata.tables["purchase"].create(connection)
    create_process_tables(
        Operations(MigrationContext.configure(connection)), "purchase", "purchase", "budget", "delivery"
    )
