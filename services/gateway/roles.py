"""The built-in roles and the permissions they hold: `sales.orders:write`, `sales.*:read`, `*:read`, or `*` for all."""

import re

ADMINISTRATOR = "admin"
NAME = re.compile("[a-z][a-z0-9_]{1,49}")
"""What a role may be called."""

_EVERYBODY = ("contacts.*:read", "inventory.products:read", "gateway.events:read")

ROLES: dict[str, tuple[str, ...]] = {
    "admin": ("*",),
    "sales": (
        *_EVERYBODY,
        "contacts.*:write",
        "sales.*:read",
        "sales.*:write",
        "inventory.*:read",
        "finance.invoices:read",
        "finance.credit:read",
    ),
    "sales_manager": (
        *_EVERYBODY,
        "contacts.*:*",
        "sales.*:*",
        "inventory.*:read",
        "finance.invoices:read",
        "finance.credit:read",
        "reporting.*:read",
    ),
    "marketing": (*_EVERYBODY, "contacts.*:write", "marketing.*:*", "sales.*:read"),
    "support": (
        *_EVERYBODY,
        "contacts.*:write",
        "support.*:*",
        "sales.*:read",
        "inventory.*:read",
        "finance.invoices:read",
    ),
    "accountant": (
        *_EVERYBODY,
        "finance.*:*",
        "sales.*:read",
        "inventory.*:read",
        "purchasing.*:read",
        "reporting.*:read",
    ),
    "warehouse": (*_EVERYBODY, "inventory.*:*", "sales.orders:read", "purchasing.orders:read"),
    "purchasing": (*_EVERYBODY, "contacts.*:write", "purchasing.*:*", "inventory.*:read", "finance.bills:read"),
    "production": (*_EVERYBODY, "production.*:*", "inventory.*:read"),
    "hr": (*_EVERYBODY, "hr.*:*"),
    "employee": (*_EVERYBODY, "hr.self:read", "hr.self:write"),
    "auditor": ("*:read",),
    "integration": (
        "*:read",
        "contacts.*:write",
        "sales.*:write",
        "inventory.*:write",
        "finance.*:write",
        "purchasing.*:write",
        "gateway.webhooks:write@own",
        "gateway.event_subscriptions:write",
    ),
}
"""Role → permission patterns, matched by `shared.context.Context.may`."""


def permissions_of(roles: tuple[str, ...]) -> tuple[str, ...]:
    """What all these roles together may do, without repetition; a role that no longer exists gives nothing."""
    return tuple(dict.fromkeys(pattern for role in roles for pattern in ROLES.get(role, ())))
