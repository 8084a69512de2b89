"""Stock: levels, moves, what can be promised, what it is worth."""

from decimal import Decimal

from shared.contracts.erp_inventory.locations import USAGES
from shared.schema.contract import Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema


class StockLevelView(Schema):
    """What lies of one product at one location. `value` is its cost; `incoming` is what suppliers still owe.

    With `as_of`, `on_hand` and `value` are those at the end of that day, and what was reserved then is not known.
    """

    id = fields.Uuid()
    product_id = fields.Uuid(refers="products")
    warehouse_id = fields.Uuid(refers="warehouses")
    location_id = fields.Uuid(refers="locations")
    on_hand = fields.Quantity()
    reserved = fields.Quantity(allow_none=True)
    available = fields.Quantity(allow_none=True)
    incoming = fields.Quantity()
    unit = fields.Text()
    value = fields.Amount()
    version = fields.Whole()
    updated_at = fields.Instant()


class StockMoveView(Schema):
    """Goods that went from one location to another; `value` is their cost. Never changed once written."""

    id = fields.Uuid()
    company_id = fields.Uuid(refers="companies")
    product_id = fields.Uuid(refers="products")
    from_location_id = fields.Uuid(refers="locations")
    to_location_id = fields.Uuid(refers="locations")
    from_usage = fields.Choice(*USAGES)
    to_usage = fields.Choice(*USAGES)
    quantity = fields.Quantity()
    unit = fields.Text()
    value = fields.Amount()
    moved_on = fields.Day()
    document_type = fields.Text()
    document_id = fields.Uuid()
    document_number = fields.Text()
    document_line_id = fields.Uuid()
    order_id = fields.Uuid(refers="orders", allow_none=True)
    created_at = fields.Instant()


class AvailabilityRequest(Schema):
    """How much of which product; in the default warehouse unless another is named."""

    product_id = fields.Uuid(required=True)
    quantity = fields.Quantity(positive=True, load_default=Decimal(1))
    warehouse_id = fields.Uuid()


class AvailabilityView(Schema):
    """What can be promised now: on hand less reserved. `available_on` is null when it cannot be said."""

    product_id = fields.Uuid(refers="products")
    warehouse_id = fields.Uuid(refers="warehouses")
    quantity = fields.Quantity()
    unit = fields.Text()
    on_hand = fields.Quantity()
    reserved = fields.Quantity()
    available = fields.Quantity()
    sufficient = fields.Flag()
    available_on = fields.Day(allow_none=True)
    as_of = fields.Instant()


class ValuationRequest(Schema):
    """The day at whose end stock is valued; now, when left out."""

    as_of = fields.Day()


class ValuationRow(Schema):
    """The stock of one product over all internal locations."""

    product_id = fields.Uuid()
    sku = fields.Text()
    name = fields.Text()
    quantity = fields.Quantity()
    unit = fields.Text()
    value = fields.Amount()


class ValuationTotals(Schema):
    """The value of all stock."""

    value = fields.Amount()


class ValuationView(Schema):
    """Stock at cost, product by product; products without stock and value are left out."""

    as_of = fields.Day()
    currency = fields.Text()
    rows = fields.Many(fields.Part(ValuationRow))
    totals = fields.Part(ValuationTotals)


list_stock_levels = Operation(
    "GET /v1/stock-levels",
    "List stock levels, now or at the end of the day `as_of`",
    "inventory.stock:read",
    response=StockLevelView,
    listing=Listing(
        filters={
            "product_id": fields.Uuid(),
            "warehouse_id": fields.Uuid(),
            "location_id": fields.Uuid(),
            "as_of": fields.Day(),
        },
        sorts=("id",),
        default_sort="id",
    ),
)
list_stock_moves = Operation(
    "GET /v1/stock-moves",
    "List stock moves",
    "inventory.stock:read",
    response=StockMoveView,
    listing=Listing(
        filters={
            "product_id": fields.Uuid(),
            "from_location_id": fields.Uuid(),
            "to_location_id": fields.Uuid(),
            "document_type": fields.Choice("adjustment", "delivery"),
            "document_id": fields.Uuid(),
            "order_id": fields.Uuid(),
            "moved_on": fields.Day(),
            "created_at": fields.Instant(),
        },
        sorts=("created_at", "moved_on"),
    ),
)
get_availability = Operation(
    "GET /v1/availability",
    "Ask whether a quantity can be promised now",
    "inventory.stock:read",
    response=AvailabilityView,
    parameters=AvailabilityRequest,
)
get_stock_valuation = Operation(
    "GET /v1/reports/stock-valuation",
    "Value the stock at cost",
    "inventory.stock:read",
    response=ValuationView,
    parameters=ValuationRequest,
)
