"""Events and operations of `crm_sales`."""

from shared.contracts.crm_sales.documents import *  # noqa: F403
from shared.contracts.crm_sales.order_events import *  # noqa: F403
from shared.contracts.crm_sales.orders import *  # noqa: F403
from shared.contracts.crm_sales.previews import *  # noqa: F403
from shared.contracts.crm_sales.quote_events import *  # noqa: F403
from shared.contracts.crm_sales.quotes import *  # noqa: F403

JOBS = 0x5F5
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS = {
    "sales.quotes:read": ("see quotes", "voir les devis"),
    "sales.quotes:write": ("write quotes and record their outcome", "rédiger des devis et noter leur issue"),
    "sales.orders:read": ("see orders and how far they are", "voir les commandes et leur avancement"),
    "sales.orders:write": ("write, place and cancel orders", "rédiger, passer et annuler des commandes"),
    "sales.orders:release": ("release orders that are held", "débloquer des commandes retenues"),
    "sales.prices:override": (
        "sell at another price than the list price",
        "vendre à un autre prix que le prix catalogue",
    ),
}
"""What each permission lets its holder do, in English and French."""
