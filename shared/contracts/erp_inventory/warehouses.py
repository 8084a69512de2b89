"""Warehouses: buildings with stock of their own."""

from shared.schema import KEPT, Code, Flag, Refers, Resource, Text


class Warehouse(
    Resource,
    path="/v1/warehouses",
    permission="inventory.warehouses",
    label="name",
    operations=KEPT,
    summaries={"create": "Open a warehouse; it gets a stock location of its own"},
):
    """A building with stock of its own."""

    company_id = Refers("companies", "Whose goods lie in it.", computed=True)
    code = Code(20, "With which the codes of its locations begin.", required=True, unique=True, filter=True, sort=True,
                search=True)  # fmt: skip
    name = Text(200, "What people call it.", required=True, filter=True, sort=True, search=True)
    active = Flag("Whether it is in use.", default=True, filter=True)
    stock_location_id = Refers("locations", "Where its goods lie.", computed=True)
