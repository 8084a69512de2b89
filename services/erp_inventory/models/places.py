"""Where goods lie, and where they come from and go to."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from erp_inventory.models.base import Base
from shared.contracts import erp_inventory as inventory
from shared.kernel import ids
from shared.storage.database import Aggregate

DEFAULT_WAREHOUSE_ID = UUID("01900000-0000-7000-8000-000000000101")
STOCK_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000201")
SUPPLIER_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000202")
CUSTOMER_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000203")
PRODUCTION_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000204")
INVENTORY_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000205")
TRANSIT_LOCATION_ID = UUID("01900000-0000-7000-8000-000000000206")
"""The places that exist from the start: a company with one warehouse never needs to name any of them."""


class Warehouse(Aggregate, Base, of=inventory.Warehouse):
    """A building with stock of its own."""

    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    code: Mapped[str]
    name: Mapped[str]
    active: Mapped[bool]
    stock_location_id: Mapped[UUID] = mapped_column(
        ForeignKey("location.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )

    def stock_location(self) -> "Location":
        """The location that a new warehouse keeps its goods at."""
        return Location(
            id=self.stock_location_id,
            code=f"{self.code}/STOCK",
            name=self.name,
            usage="internal",
            warehouse_id=self.id,
            active=True,
        )


class Location(Aggregate, Base, of=inventory.Location):
    """A place. Only internal ones hold stock of ours; the others stand for the outside world and for losses."""

    __table_args__ = (CheckConstraint("usage <> 'internal' OR warehouse_id IS NOT NULL", name="internal_in_warehouse"),)

    code: Mapped[str]
    name: Mapped[str]
    usage: Mapped[str]
    warehouse_id: Mapped[UUID | None] = mapped_column(ForeignKey("warehouse.id"))
    active: Mapped[bool]
