"""Events and operations of `gateway`: who may come in, and what other systems are told."""

from shared.contracts.gateway.events import *  # noqa: F403
from shared.contracts.gateway.identity import *  # noqa: F403
from shared.contracts.gateway.subscriptions import *  # noqa: F403
from shared.contracts.gateway.webhooks import *  # noqa: F403
