"""Keeping copies of what others own: customers and products, as their latest events tell."""

from sqlalchemy.orm import Session

from crm_sales.models import Customer, Product
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_inventory as inventory
from shared.copies import keep
from shared.entrypoints import subscribe


class Copying:
    """Nothing is asked of the other services when an order is written: they may be down."""

    @subscribe(contacts.ContactCreated, contacts.ContactUpdated, order="latest")
    def copy_customer(self, session: Session, events: list[contacts.ContactState]) -> None:
        keep(session, Customer, [{"id": e.contact_id, "name": e.name, "status": e.status} for e in events])

    @subscribe(inventory.ProductCreated, inventory.ProductUpdated, order="latest")
    def copy_product(self, session: Session, events: list[inventory.ProductCreated | inventory.ProductUpdated]) -> None:
        names = ("sku", "name", "kind", "unit", "sale_price", "tax_code", "active")
        keep(session, Product, [{"id": e.product_id} | {n: getattr(e, n) for n in names} for e in events])
