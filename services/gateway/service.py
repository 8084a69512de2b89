"""The table of contents of the service behind the edge."""

from gateway.events.pulling import Pulling
from gateway.events.storing import Storing
from gateway.identity.entrance import Entrance
from gateway.identity.keys import Keys
from gateway.identity.roles import Roles
from gateway.identity.users import Users


class Gateway(Users, Roles, Keys, Entrance, Storing, Pulling):
    """Who may come in, and what other systems are told."""

    name = "gateway"
