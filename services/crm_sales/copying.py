"""Keeping copies of what others own: customers and products, as their latest events tell."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm_sales.models import Customer, Product
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_inventory as inventory
from shared.entrypoints import subscribe


class Copying:
    """Nothing is asked of the other services when an order is written: they may be down."""

    @subscribe(contacts.ContactCreated, contacts.ContactUpdated, order="latest")
    def copy_customer(self, session: Session, event: contacts.ContactCreated | contacts.ContactUpdated) -> None:
        values = {"name": event.name, "status": event.status}
        copy = insert(Customer).values(id=event.contact_id, **values)
        session.execute(copy.on_conflict_do_update(index_elements=["id"], set_=values))

    @subscribe(inventory.ProductCreated, inventory.ProductUpdated, order="latest")
    def copy_product(self, session: Session, event: inventory.ProductCreated | inventory.ProductUpdated) -> None:
        names = ("sku", "name", "kind", "unit", "sale_price", "tax_code", "active")
        values = {name: getattr(event, name) for name in names}
        copy = insert(Product).values(id=event.product_id, **values)
        session.execute(copy.on_conflict_do_update(index_elements=["id"], set_=values))
