"""Tables of erp_inventory with the behaviour of their rows. They never see a session."""

from erp_inventory.models.adjustment import AdjustmentLine, StockAdjustment
from erp_inventory.models.base import Base
from erp_inventory.models.delivery import CustomerOrder, Delivery, DeliveryLine, Reservation
from erp_inventory.models.places import Location, Warehouse
from erp_inventory.models.product import Product
from erp_inventory.models.stock import StockLevel, StockMove

__all__ = [
    "AdjustmentLine",
    "Base",
    "CustomerOrder",
    "Delivery",
    "DeliveryLine",
    "Location",
    "Product",
    "Reservation",
    "StockAdjustment",
    "StockLevel",
    "StockMove",
    "Warehouse",
]
