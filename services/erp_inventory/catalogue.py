"""Flow: a product is added → changed → retired, or deleted while nothing ever happened to it."""

from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from erp_inventory.errors import ProductInUse
from erp_inventory.ledger import open_shelves
from erp_inventory.models import AdjustmentLine, DeliveryLine, Product, StockLevel, StockMove
from erp_inventory.models.places import STOCK_LOCATION_ID
from shared import uses
from shared.changes import recorded
from shared.contracts import erp_inventory as inventory
from shared.entrypoints import ListRequest, Page, command, query
from shared.ids import new_id
from shared.outbox import publish
from shared.refusals import InUse


class Catalogue:
    """The product catalogue; other services keep replicas of it from its events."""

    @command(inventory.create_product)
    def create_product(self, session: Session, request: dict[str, Any]) -> Product:
        """A product is added. Goods get an empty level at once, so that their stock reads zero rather than unknown."""
        product = Product(**{**request, "id": request.get("id") or new_id()})
        session.add(product)
        session.flush()
        if product.is_stocked:
            open_shelves(session, STOCK_LOCATION_ID, [product.id])
        publish(session, product.created())
        return product

    @query(inventory.get_product)
    def get_product(self, session: Session, product: Product) -> Product:
        return product

    @query(inventory.list_products)
    def list_products(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Product))

    @command(inventory.update_product)
    def update_product(self, session: Session, product: Product, request: dict[str, Any]) -> Product:
        """A product is changed. Sales and finance learn of it from ProductUpdated."""
        if product.redefined_by(request) and _is_used(session, product):
            raise ProductInUse(sku=product.sku)
        changes = recorded(inventory.ProductView, product)
        product.change(request)
        publish(session, product.updated(changes()))
        return product

    @command(inventory.delete_product)
    def delete_product(self, session: Session, product: Product) -> None:
        """A product that nothing ever happened to goes."""
        if _is_used(session, product):
            raise InUse
        session.execute(delete(StockLevel).where(StockLevel.product_id == product.id))
        session.delete(product)
        publish(session, product.retired())
        publish(session, product.deleted())


def _is_used(session: Session, product: Product) -> bool:
    """Whether it was ever moved or ordered. The foreign keys catch what comes at the same moment."""
    moved = exists().where(StockMove.product_id == product.id)
    counted = exists().where(AdjustmentLine.product_id == product.id)
    ordered = exists().where(DeliveryLine.product_id == product.id)
    return bool(session.execute(select(moved | counted | ordered)).scalar_one() or uses.users_of(session, product.id))
