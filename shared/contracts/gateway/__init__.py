"""Events and operations of `gateway`: who may sign in, and what other systems receive."""

from shared.contracts.gateway.api_keys import *  # noqa: F403
from shared.contracts.gateway.event_subscriptions import *  # noqa: F403
from shared.contracts.gateway.events import *  # noqa: F403
from shared.contracts.gateway.roles import *  # noqa: F403
from shared.contracts.gateway.sign_ins import *  # noqa: F403
from shared.contracts.gateway.users import *  # noqa: F403
from shared.contracts.gateway.webhooks import *  # noqa: F403

JOBS = 0xB74
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS = {
    "gateway.users:read": ("see users", "voir les utilisateurs"),
    "gateway.users:write": ("invite, change and shut out users", "inviter, modifier et exclure des utilisateurs"),
    "gateway.roles:read": ("see roles and permissions", "voir les rôles et les permissions"),
    "gateway.roles:write": ("make and change roles", "créer et modifier des rôles"),
    "gateway.sign_ins:read": ("see who signed in, and who was refused", "voir les connexions et les refus"),
    "gateway.api_keys:read": ("see API keys", "voir les clés d'API"),
    "gateway.api_keys:write": ("make and revoke API keys", "créer et révoquer des clés d'API"),
    "gateway.events:read": (
        "read events and the catalogue of their types",
        "lire les événements et le catalogue de leurs types",
    ),
    "gateway.webhooks:read": ("see webhooks and their deliveries", "voir les webhooks et leurs envois"),
    "gateway.webhooks:write": ("make and change webhooks", "créer et modifier des webhooks"),
    "gateway.event_subscriptions:read": (
        "see queues for other systems",
        "voir les files destinées à d'autres systèmes",
    ),
    "gateway.event_subscriptions:write": (
        "make queues for other systems",
        "créer des files destinées à d'autres systèmes",
    ),
}
"""What each permission lets its holder do, in English and French."""
