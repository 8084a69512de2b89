"""The table of contents of the service behind the edge."""

from gateway.events.pulling import Pulling
from gateway.events.storing import Storing
from gateway.identity.roles import Roles


class Gateway(Roles, Storing, Pulling):
    """Who may come in, and what other systems are told."""

    name = "gateway"
