"""Events and operations of `erp_inventory`."""

from shared.contracts.erp_inventory.deliveries import *  # noqa: F403
from shared.contracts.erp_inventory.delivery_events import *  # noqa: F403
from shared.contracts.erp_inventory.locations import *  # noqa: F403
from shared.contracts.erp_inventory.product_events import *  # noqa: F403
from shared.contracts.erp_inventory.products import *  # noqa: F403
from shared.contracts.erp_inventory.stock import *  # noqa: F403
from shared.contracts.erp_inventory.stock_adjustments import *  # noqa: F403
from shared.contracts.erp_inventory.stock_events import *  # noqa: F403
from shared.contracts.erp_inventory.warehouses import *  # noqa: F403

JOBS = 0xC83
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS = {
    "inventory.products:read": ("see products", "voir les produits"),
    "inventory.products:write": ("create and change products", "créer et modifier des produits"),
    "inventory.warehouses:read": ("see warehouses and their locations", "voir les entrepôts et leurs emplacements"),
    "inventory.warehouses:write": (
        "create and change warehouses and locations",
        "créer et modifier des entrepôts et des emplacements",
    ),
    "inventory.stock:read": ("see stock, its moves and its value", "voir le stock, ses mouvements et sa valeur"),
    "inventory.adjustments:read": ("see stock adjustments", "voir les ajustements de stock"),
    "inventory.adjustments:write": ("adjust stock", "ajuster le stock"),
    "inventory.deliveries:read": ("see deliveries", "voir les livraisons"),
    "inventory.deliveries:write": ("ship deliveries", "expédier des livraisons"),
}
"""What each permission lets its holder do, in English and French."""
