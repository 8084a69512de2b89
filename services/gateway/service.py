"""The table of contents of the service behind the edge."""

from gateway.events.storing import Storing
from gateway.identity.roles import Roles


class Gateway(Roles, Storing):
    """Who may come in, and what other systems are told."""

    name = "gateway"
