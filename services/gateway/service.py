"""The table of contents of the service behind the edge."""

from gateway.events.pulling import Pulling
from gateway.events.storing import Storing
from gateway.events.subscribing import Subscribing
from gateway.identity.keys import Keys
from gateway.identity.roles import Roles
from gateway.identity.sign_ins import SignIns
from gateway.identity.teams import Teams
from gateway.identity.users import Users
from gateway.webhooks.delivering import Deliveries
from gateway.webhooks.registry import Webhooks
from shared.flows.known_copies import KnownCompanies


class Gateway(Users, Teams, Roles, Keys, SignIns, Storing, Pulling, Subscribing, Webhooks, Deliveries, KnownCompanies):
    """Users and their rights, and the events that other systems receive."""

    name = "gateway"
