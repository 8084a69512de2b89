"""What can be sold, bought and kept."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from erp_inventory.models.base import Base
from shared.contracts import erp_inventory as inventory
from shared.kernel import ids
from shared.schema.contract import Changes
from shared.storage.constraints import EMPTY_OBJECT, sorted_texts
from shared.storage.database import Aggregate


class Product(Aggregate, Base, of=inventory.Product):
    """A product of the catalogue. Goods and consumables are kept in stock, services are not."""

    __table_args__ = (Index(None, "barcode", "id"), *sorted_texts("product", "category"))

    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    sku: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    unit: Mapped[str]
    barcode: Mapped[str | None]
    category: Mapped[str | None]
    sale_price: Mapped[Decimal | None]
    standard_cost: Mapped[Decimal | None]
    tax_code: Mapped[str]
    tracking: Mapped[str]
    valuation: Mapped[str]
    active: Mapped[bool]
    external_ids: Mapped[dict[str, str]]
    tags: Mapped[list[str]]
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY_OBJECT)

    @property
    def is_stocked(self) -> bool:
        return self.type != "service"

    def redefined_by(self, changes: dict[str, Any]) -> bool:
        """Whether the changes alter what quantities of this product mean."""
        return any(name in changes and changes[name] != getattr(self, name) for name in ("type", "unit"))

    def created(self) -> inventory.ProductCreated:
        return inventory.ProductCreated.of(self, kind=self.type)

    def updated(self, changes: Changes) -> inventory.ProductUpdated:
        return inventory.ProductUpdated.of(self, kind=self.type, changes=changes)

    def retired(self) -> inventory.ProductUpdated:
        """What is said before an unused product is deleted: it is not offered any more."""
        changes = {"active": [True, False]} if self.active else {}
        return inventory.ProductUpdated.of(self, kind=self.type, active=False, changes=changes)

    def deleted(self) -> inventory.ProductDeleted:
        return inventory.ProductDeleted.of(self)
