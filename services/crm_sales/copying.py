"""Keeping copies of what others own: customers and products, as their latest events tell."""

from sqlalchemy.orm import Session

from crm_sales.models import Customer, Order, OrderLine, Product, Quote, QuoteLine
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_inventory as inventory
from shared.copies import forget, keep
from shared.entrypoints import subscribe

_Contact = contacts.ContactCreated | contacts.ContactUpdated | contacts.ContactArchived | contacts.ContactDeleted
_Product = inventory.ProductCreated | inventory.ProductUpdated | inventory.ProductDeleted


class Copying:
    """Nothing is asked of the other services when an order is written: they may be down."""

    @subscribe(
        contacts.ContactCreated,
        contacts.ContactUpdated,
        contacts.ContactArchived,
        contacts.ContactDeleted,
        order="latest",
    )
    def copy_customer(self, session: Session, events: list[_Contact]) -> None:
        names = ("name", "status", "owner_id")
        known = [e for e in events if not isinstance(e, contacts.ContactDeleted)]
        keep(session, Customer, [{"id": e.contact_id} | {n: getattr(e, n) for n in names} for e in known])
        if gone := [e.contact_id for e in events if isinstance(e, contacts.ContactDeleted)]:
            forget(session, Customer, gone, Order.customer_id, Quote.customer_id, status="erased")

    @subscribe(inventory.ProductCreated, inventory.ProductUpdated, inventory.ProductDeleted, order="latest")
    def copy_product(self, session: Session, events: list[_Product]) -> None:
        names = ("sku", "name", "kind", "unit", "sale_price", "tax_code", "active", "company_id")
        known = [e for e in events if not isinstance(e, inventory.ProductDeleted)]
        keep(session, Product, [{"id": e.product_id} | {n: getattr(e, n) for n in names} for e in known])
        if gone := [e.product_id for e in events if isinstance(e, inventory.ProductDeleted)]:
            forget(session, Product, gone, OrderLine.product_id, QuoteLine.product_id, active=False)
