"""The Nameko side: one entrypoint per decorated method, one shared extension that runs the service on the bus."""

from nameko.extensions import Entrypoint


class BusEntrypoint(Entrypoint):
    """Marks a method as an entrypoint for Nameko's container."""
