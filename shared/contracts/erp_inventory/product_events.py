"""Events of products."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.schema.contract import Amount, Changes, Data, Event


class ProductFact(Data):
    """What every event of a product carries."""

    product_id: UUID
    sku: str

    permission: ClassVar[str] = "inventory.products:read"


class ProductState(ProductFact):
    """The product after the change."""

    name: str
    kind: str
    unit: str
    sale_price: Amount | None
    tax_code: str
    active: bool
    company_id: UUID = DEFAULT_COMPANY_ID


class ProductCreated(ProductState, Event, type="erp_inventory.product.created", number=0xE6B):
    """A product was added to the catalogue."""


class ProductUpdated(ProductState, Event, type="erp_inventory.product.updated", number=0x7DC):
    """A product was changed or retired; also sent, as not active, before a product is deleted."""

    changes: Changes = field(default_factory=dict)


class ProductDeleted(ProductFact, Event, type="erp_inventory.product.deleted", number=0x592):
    """A product that nothing ever happened to is gone."""
