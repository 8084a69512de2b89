"""The built-in roles and the permissions they hold: `sales.orders:write`, `sales.*:read`, `*:read`, or `*` for all."""

ADMINISTRATOR = "admin"
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
        "finance.credit_limits:read",
    ),
    "sales_manager": (
        *_EVERYBODY,
        "contacts.*:*",
        "sales.*:*",
        "inventory.*:read",
        "finance.invoices:read",
        "finance.credit_limits:read",
    ),
    "marketing": (*_EVERYBODY, "contacts.*:write", "sales.*:read"),
    "support": (
        *_EVERYBODY,
        "contacts.*:write",
        "sales.*:read",
        "inventory.*:read",
        "finance.invoices:read",
    ),
    "accountant": (
        *_EVERYBODY,
        "finance.*:*",
        "sales.*:read",
        "inventory.*:read",
    ),
    "warehouse": (*_EVERYBODY, "inventory.*:*", "sales.orders:read"),
    "purchasing": (*_EVERYBODY, "contacts.*:write", "inventory.*:read"),
    "production": (*_EVERYBODY, "inventory.*:read"),
    "hr": _EVERYBODY,
    "employee": _EVERYBODY,
    "auditor": ("*:read",),
    "integration": (
        "*:read",
        "contacts.*:write",
        "sales.*:write",
        "inventory.*:write",
        "finance.*:write",
        "gateway.webhooks:write@own",
        "gateway.event_subscriptions:write@own",
    ),
}
"""Role → permission patterns, matched by `shared.kernel.context.Context.may`; each grants something that there is.

Roles whose area has no service yet may what everybody may.
"""


def permissions_of(roles: tuple[str, ...]) -> tuple[str, ...]:
    """What all these roles together may do, without repetition; a role that no longer exists gives nothing."""
    return tuple(dict.fromkeys(pattern for role in roles for pattern in ROLES.get(role, ())))
