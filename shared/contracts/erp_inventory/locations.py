"""Locations: where goods lie, and where they come from and go to."""

from typing import Any

from shared.kernel.refusals import Invalid
from shared.schema import KEPT, Choice, Code, Flag, Refers, Resource, Text, rule

USAGES = ("internal", "supplier", "customer", "production", "inventory", "transit")


class Location(Resource, path="/v1/locations", permission="inventory.warehouses", label="code", operations=KEPT):
    """A place that goods move from or to. Virtual ones stand for the outside world: suppliers, customers, losses."""

    code = Code(40, "As written on the shelf.", required=True, unique=True, filter=True, sort=True, search=True)
    name = Text(200, "What people call it.", required=True, filter=True, sort=True, search=True)
    usage = Choice(USAGES, "Only internal ones hold stock of ours.", default="internal", create_only=True, filter=True)
    warehouse_id = Refers("warehouses", "Of an internal one.", null=True, create_only=True, filter=True, index=True)
    active = Flag("Whether it is in use.", default=True, filter=True)

    @rule
    def internal_ones_are_in_a_warehouse(self: Any) -> None:
        if self.usage == "internal" and self.warehouse_id is None:
            raise Invalid.at("/warehouse_id", "required")
