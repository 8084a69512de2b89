"""Flow: a product is added → changed → retired, or deleted while nothing ever happened to it."""

from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from erp_inventory.errors import ProductInUse, ProductNamed
from erp_inventory.ledger import open_shelves
from erp_inventory.models import AdjustmentLine, DeliveryLine, Product, StockLevel, StockMove
from erp_inventory.models.places import STOCK_LOCATION_ID
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command
from shared.kernel.ids import new_id
from shared.storage import uses
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Catalogue:
    """The product catalogue; other services keep replicas of it from its events."""

    @command(inventory.Product.create)
    def create_product(self, session: Session, request: dict[str, Any]) -> Product:
        """A product is added. Goods get an empty level at once, so that their stock reads zero rather than unknown."""
        product = Product(**{**request, "id": request.get("id") or new_id()})
        session.add(product)
        session.flush()
        if product.is_stocked:
            open_shelves(session, STOCK_LOCATION_ID, [product.id])
        publish(session, product.created())
        return product

    @command(inventory.Product.update)
    def update_product(self, session: Session, product: Product, request: dict[str, Any]) -> Product:
        """A product is changed. Sales and finance learn of it from ProductUpdated."""
        if product.redefined_by(request) and (_movers_of(session, product) or uses.is_kept(session, product.id)):
            raise ProductInUse(sku=product.sku)
        changes = recorded(inventory.Product.declaration.changing, product)
        for name, value in request.items():
            setattr(product, name, value)
        publish(session, product.updated(changes()))
        return product

    @command(inventory.Product.delete)
    def delete_product(self, session: Session, product: Product) -> None:
        """A product that nothing ever happened to, and that no document names, goes."""
        if used := _movers_of(session, product) + uses.users_of(session, product.id):
            raise ProductNamed(reason=used[0])
        session.execute(delete(StockLevel).where(StockLevel.product_id == product.id))
        session.delete(product)
        publish(session, product.retired())
        publish(session, product.deleted())


def _movers_of(session: Session, product: Product) -> list[str]:
    """The kinds of documents that moved it or will. The foreign keys catch what comes at the same moment."""
    counted = exists().where(AdjustmentLine.product_id == product.id)
    moved = exists().where(StockMove.product_id == product.id)
    ordered = exists().where(DeliveryLine.product_id == product.id)
    is_moved, is_ordered = session.execute(select(counted | moved, ordered)).one()
    return ["order"] * is_ordered + ["stock_adjustment"] * is_moved
