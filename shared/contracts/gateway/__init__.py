"""Events and operations of `gateway`: who may come in, and what other systems are told."""

from shared.contracts.gateway.identity import *  # noqa: F403
