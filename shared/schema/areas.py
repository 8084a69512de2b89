"""The areas of the business and the resources in them, as documents of the API group them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Area:
    """`permission` is how the permissions of its resources begin; `tags` are those that permissions do not tell."""

    title: str
    introduction: str
    permission: str = ""
    tags: tuple[str, ...] = ()


AREAS = (
    Area(
        "Access",
        "Signing in, users, roles and API keys: who may do what, and in which companies.",
        "gateway",
        ("auth", "me"),
    ),
    Area("Contacts", "People and organizations, with what is agreed and planned with them.", "contacts"),
    Area("Sales", "From the quote to the completed order.", "sales"),
    Area("Inventory", "Products, stock, and what leaves and enters the warehouse.", "inventory"),
    Area("Finance", "Invoices, payments, and the ledger that they are posted to.", "finance"),
    Area(
        "Events",
        "What happened, for other systems: read, streamed, sent to an address, or put into a queue.",
        tags=("events", "webhooks", "event-subscriptions"),
    ),
    Area(
        "System",
        "What runs, what resources there are, long jobs, and messages that need a decision.",
        "system",
        ("status", "resources", "jobs"),
    ),
)

TAGS = {
    "accounts": "The chart of accounts (plan comptable).",
    "api-keys": "Keys with which programs sign in; a key may do at most what its owner may.",
    "auth": "Sign in, refresh, sign out.",
    "availability": "Whether a quantity can be promised.",
    "companies": "The legal entities whose books are kept here.",
    "contacts": "Persons and organizations: customers, suppliers, partners.",
    "credit-limits": "The most that a customer may owe, open orders included.",
    "credit-notes": "Corrections of invoices.",
    "customers": "What a customer owes.",
    "deliveries": "Goods that leave for a customer.",
    "event-subscriptions": "Queues on the broker for other systems.",
    "events": "Events as they are kept, as a live stream, and their types with schemas.",
    "fiscal-years": "Fiscal years with their periods.",
    "invoices": "Invoices to customers.",
    "jobs": "Imports and exports, which go on after the answer.",
    "journal-entries": "Entries of the ledger; posted ones never change.",
    "journals": "The journals that entries are numbered in.",
    "ledger": "The proof that the ledger was not changed.",
    "locations": "Places within and outside of warehouses that goods move between.",
    "me": "The signed-in user.",
    "orders": "Orders of customers, each with a visible process.",
    "parked-messages": "Messages that no attempt could handle; an operator decides.",
    "payments": "Money that came in or went out, and what it pays.",
    "periods": "Months of a fiscal year, which are locked one by one.",
    "permissions": "What can be permitted.",
    "products": "Goods, consumables and services.",
    "quotes": "Offers to customers.",
    "reports": "Figures at a day or over a time.",
    "resources": "The resources with fields, states and verbs, for programs that draw lists and forms.",
    "roles": "Sets of permissions that users have.",
    "sign-ins": "Who signed in, and who was refused.",
    "status": "What runs.",
    "stock-adjustments": "Corrections of stock after a count or a loss.",
    "stock-levels": "What is where.",
    "stock-moves": "Every movement of goods.",
    "tax-codes": "The taxes of France by code.",
    "users": "People who may sign in.",
    "warehouses": "Where goods are kept.",
    "webhooks": "Addresses that events are sent to.",
}
"""What a tag of the document holds, where no declared resource of that name says it."""


def area_of(tag: str, permission: str) -> Area | None:
    """The area of a tag: the one that names it, or else the one of its permissions."""
    named = next((area for area in AREAS if tag in area.tags), None)
    beginning = permission.partition(".")[0]
    return named or next((area for area in AREAS if area.permission == beginning), None)
