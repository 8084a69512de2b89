"""The table of contents of the service behind the edge."""

from gateway.identity.roles import Roles


class Gateway(Roles):
    """Who may come in, and what other systems are told."""

    name = "gateway"
