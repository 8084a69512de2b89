"""Events and operations of `erp_inventory`."""

from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, validates_schema

from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.schema.contract import Amount, Changes, Data, Event, Listing, Operation
from shared.wire import codes, fields
from shared.wire.fields import Schema

JOBS = 0xC83
"""The number of this service's jobs, which their ids carry: given once, like those of events."""


class ProductState(Data):
    """What every product event carries: the product after the change."""

    product_id: UUID
    sku: str
    name: str
    kind: str
    unit: str
    sale_price: Amount | None
    tax_code: str
    active: bool
    company_id: UUID = DEFAULT_COMPANY_ID


class ProductCreated(
    ProductState, Event, type="erp_inventory.product.created", number=0xE6B, permission="inventory.products:read"
):
    """A product was added to the catalogue."""


class ProductUpdated(
    ProductState, Event, type="erp_inventory.product.updated", number=0x7DC, permission="inventory.products:read"
):
    """A product was changed or retired; also sent, as not active, before a product is deleted."""

    changes: Changes = field(default_factory=dict)


class ProductDeleted(Event, type="erp_inventory.product.deleted", number=0x592, permission="inventory.products:read"):
    """A product that nothing ever happened to is gone."""

    product_id: UUID
    sku: str


class ReservedLine(Data):
    """How much of an order line is reserved so far."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal
    reserved: Decimal


class StockReserved(
    Event, type="erp_inventory.stock.reserved", number=0x4ED, permission="inventory.stock:read", about="delivery"
):
    """Stock answered for an order: complete, or with shortages that are filled as goods arrive (sent again then)."""

    order_id: UUID
    delivery_id: UUID
    delivery_number: str
    complete: bool
    lines: list[ReservedLine]


class StockReleased(
    Event, type="erp_inventory.stock.released", number=0xEAD, permission="inventory.stock:read", about="order"
):
    """The reservations of a cancelled order were given back. `shipped` tells that goods had already left."""

    order_id: UUID
    shipped: bool


class ShippedLine(Data):
    """What left for one order line, in the unit of the order line."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal


class ReadyLine(Data):
    """What lies ready for one order line, in the unit of the order line."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal


class DeliveryReady(Event, type="erp_inventory.delivery.ready", number=0x288, permission="inventory.deliveries:read"):
    """All goods of a delivery are set aside and its order is confirmed: they may leave."""

    delivery_id: UUID
    number: str
    order_id: UUID
    company_id: UUID
    customer_id: UUID
    lines: list[ReadyLine]


class DeliveryShipped(
    Event, type="erp_inventory.delivery.shipped", number=0xD4D, permission="inventory.deliveries:read"
):
    """Goods left the warehouse for a customer: revenue is due. `backorder_id` is the delivery of the rest, if any.

    `passes_soft_locks`: whoever shipped may write into softly locked periods.
    """

    delivery_id: UUID
    number: str
    order_id: UUID
    company_id: UUID
    customer_id: UUID
    shipped_on: date
    lines: list[ShippedLine]
    backorder_id: UUID | None = None
    passes_soft_locks: bool = False


class MovedLine(Data):
    """One stock move and its value at cost (always positive) in the company's currency."""

    move_id: UUID
    product_id: UUID
    quantity: Decimal
    unit: str
    from_usage: str
    to_usage: str
    value: Amount


class StockMoved(Event, type="erp_inventory.stock.moved", number=0xC37, permission="inventory.stock:read"):
    """Goods moved between locations: the one carrier of stock value. One event per document.

    `passes_soft_locks`: whoever dated the document may write into softly locked periods.
    """

    document_id: UUID
    document_type: str
    document_number: str
    company_id: UUID
    currency: str
    moved_on: date
    order_id: UUID | None
    lines: list[MovedLine]
    passes_soft_locks: bool = False


# Products

TAX_CODES = ("S20", "S10", "S5.5", "S2.1", "S0")
"""The built-in French VAT codes of erp_finance (CGI art. 278, 278-0 bis, 279, 281 quater)."""


class ProductRequest(Schema):
    """A product to add to the catalogue. `sale_price` excludes tax; prices and costs are in the company's currency."""

    id = fields.Uuid()
    sku = codes.Code(most=64, least=1, required=True)
    name = fields.Text(most=200, least=1, required=True)
    type = fields.Choice("goods", "service", "consumable", load_default="goods")
    unit = fields.Text(most=20, least=1, load_default="unit")
    barcode = codes.Barcode(most=64, least=1, allow_none=True, load_default=None)
    category = fields.Text(most=100, allow_none=True, load_default=None)
    sale_price = fields.Price(not_negative=True, allow_none=True, load_default=None)
    standard_cost = fields.Price(not_negative=True, allow_none=True, load_default=None)
    tax_code = codes.TaxCode(*TAX_CODES, load_default="S20")
    tracking = fields.Choice("none", load_default="none")
    valuation = fields.Choice("avco", load_default="avco")
    active = fields.Flag(load_default=True)
    external_ids = fields.Table(load_default=dict)
    tags = fields.Many(fields.Text(most=50, least=1), most=50, load_default=list)
    custom = fields.Custom()


class ProductChange(Schema):
    """The members of a product to change."""

    sku = codes.Code(most=64, least=1)
    name = fields.Text(most=200, least=1)
    type = fields.Choice("goods", "service", "consumable")
    unit = fields.Text(most=20, least=1)
    barcode = codes.Barcode(most=64, least=1, allow_none=True)
    category = fields.Text(most=100, allow_none=True)
    sale_price = fields.Price(not_negative=True, allow_none=True)
    standard_cost = fields.Price(not_negative=True, allow_none=True)
    tax_code = codes.TaxCode(*TAX_CODES)
    tracking = fields.Choice("none")
    valuation = fields.Choice("avco")
    active = fields.Flag()
    external_ids = fields.Table()
    tags = fields.Many(fields.Text(most=50, least=1), most=50)
    custom = fields.Custom()


class ProductView(Schema):
    """A product of the catalogue."""

    id = fields.Uuid()
    sku = fields.Text()
    name = fields.Text()
    type = fields.Choice("goods", "service", "consumable")
    unit = fields.Text()
    barcode = fields.Text(allow_none=True)
    category = fields.Text(allow_none=True)
    sale_price = fields.Price(allow_none=True)
    standard_cost = fields.Price(allow_none=True)
    tax_code = codes.TaxCode(*TAX_CODES)
    tracking = fields.Choice("none")
    valuation = fields.Choice("avco")
    active = fields.Flag()
    external_ids = fields.Table()
    tags = fields.Many(fields.Text())
    custom = fields.Custom()
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


create_product = Operation(
    "POST /v1/products",
    "Add a product to the catalogue",
    "inventory.products:write",
    request=ProductRequest,
    response=ProductView,
    status=201,
)
get_product = Operation("GET /v1/products/{id}", "Read a product", "inventory.products:read", response=ProductView)
list_products = Operation(
    "GET /v1/products",
    "List products",
    "inventory.products:read",
    response=ProductView,
    listing=Listing(
        filters={
            "sku": fields.Text(),
            "name": fields.Text(),
            "barcode": fields.Text(),
            "type": fields.Choice("goods", "service", "consumable"),
            "category": fields.Text(),
            "active": fields.Flag(),
            "created_at": fields.Instant(),
            "updated_at": fields.Instant(),
        },
        sorts=("created_at", "sku", "name"),
        search=("sku", "name", "barcode"),
    ),
)
update_product = Operation(
    "PATCH /v1/products/{id}",
    "Change a product; its type and unit only while it was never moved or ordered",
    "inventory.products:write",
    request=ProductChange,
    response=ProductView,
)
delete_product = Operation(
    "DELETE /v1/products/{id}",
    "Delete a product that was never moved or ordered",
    "inventory.products:write",
    status=204,
)


# Warehouses and locations

USAGES = ("internal", "supplier", "customer", "production", "inventory", "transit")


class WarehouseRequest(Schema):
    """A warehouse to open; it gets a stock location of its own."""

    id = fields.Uuid()
    code = codes.Code(most=20, least=1, required=True)
    name = fields.Text(most=200, least=1, required=True)
    active = fields.Flag(load_default=True)


class WarehouseChange(Schema):
    """The members of a warehouse to change."""

    code = codes.Code(most=20, least=1)
    name = fields.Text(most=200, least=1)
    active = fields.Flag()


class WarehouseView(Schema):
    """A warehouse; `stock_location_id` is where its goods lie."""

    id = fields.Uuid()
    company_id = fields.Uuid(refers="companies")
    code = fields.Text()
    name = fields.Text()
    active = fields.Flag()
    stock_location_id = fields.Uuid(refers="locations")
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class LocationRequest(Schema):
    """A location to add: internal and transit ones belong to a warehouse, the others are virtual."""

    id = fields.Uuid()
    code = codes.Code(most=40, least=1, required=True)
    name = fields.Text(most=200, least=1, required=True)
    usage = fields.Choice(*USAGES, load_default="internal")
    warehouse_id = fields.Uuid(allow_none=True, load_default=None)
    active = fields.Flag(load_default=True)


class LocationChange(Schema):
    """The members of a location to change."""

    code = codes.Code(most=40, least=1)
    name = fields.Text(most=200, least=1)
    active = fields.Flag()


class LocationView(Schema):
    """A place that goods move from or to. Virtual ones stand for the outside world: suppliers, customers, losses."""

    id = fields.Uuid()
    code = fields.Text()
    name = fields.Text()
    usage = fields.Choice(*USAGES)
    warehouse_id = fields.Uuid(refers="warehouses", allow_none=True)
    active = fields.Flag()
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


create_warehouse = Operation(
    "POST /v1/warehouses",
    "Open a warehouse",
    "inventory.warehouses:write",
    request=WarehouseRequest,
    response=WarehouseView,
    status=201,
)
get_warehouse = Operation(
    "GET /v1/warehouses/{id}", "Read a warehouse", "inventory.warehouses:read", response=WarehouseView
)
list_warehouses = Operation(
    "GET /v1/warehouses",
    "List warehouses",
    "inventory.warehouses:read",
    response=WarehouseView,
    listing=Listing(
        filters={"code": fields.Text(), "name": fields.Text(), "active": fields.Flag()},
        sorts=("created_at", "code", "name"),
        search=("code", "name"),
    ),
)
update_warehouse = Operation(
    "PATCH /v1/warehouses/{id}",
    "Change a warehouse",
    "inventory.warehouses:write",
    request=WarehouseChange,
    response=WarehouseView,
)
create_location = Operation(
    "POST /v1/locations",
    "Add a location",
    "inventory.warehouses:write",
    request=LocationRequest,
    response=LocationView,
    status=201,
)
get_location = Operation(
    "GET /v1/locations/{id}", "Read a location", "inventory.warehouses:read", response=LocationView
)
list_locations = Operation(
    "GET /v1/locations",
    "List locations",
    "inventory.warehouses:read",
    response=LocationView,
    listing=Listing(
        filters={
            "code": fields.Text(),
            "name": fields.Text(),
            "usage": fields.Choice(*USAGES),
            "warehouse_id": fields.Uuid(),
            "active": fields.Flag(),
        },
        sorts=("created_at", "code", "name"),
        search=("code", "name"),
    ),
)
update_location = Operation(
    "PATCH /v1/locations/{id}",
    "Change a location",
    "inventory.warehouses:write",
    request=LocationChange,
    response=LocationView,
)


# Stock adjustments


class AdjustmentLineRequest(Schema):
    """What changes for one product: either by how much, or what was counted.

    What comes in needs a cost: `unit_cost`, or else the product's standard cost.
    """

    product_id = fields.Uuid(required=True)
    quantity_delta = fields.Quantity()
    counted_quantity = fields.Quantity(not_negative=True)
    unit_cost = fields.Price(not_negative=True)

    @validates_schema
    def _one_quantity(self, data: dict[str, Any], **kwargs: Any) -> None:
        given = {"quantity_delta", "counted_quantity"} & data.keys()
        if not given:
            raise ValidationError("required", "quantity_delta")
        if len(given) == 2:
            raise ValidationError("quantity_and_count", "counted_quantity")
        if data.get("quantity_delta") == 0:
            raise ValidationError("zero", "quantity_delta")


class AdjustmentRequest(Schema):
    """A correction of the stock of one warehouse, posted at once. `date` is today unless said otherwise."""

    id = fields.Uuid()
    warehouse_id = fields.Uuid()
    reason = fields.Multiline(most=500, least=1, required=True)
    date = fields.Day()
    lines = fields.Many(fields.Part(AdjustmentLineRequest), most=500, least=1, unique="product_id", required=True)


class AdjustmentLineView(Schema):
    """A posted line. `value` is signed like `quantity_delta`: at `unit_cost` in, at average cost out."""

    id = fields.Uuid()
    product_id = fields.Uuid(refers="products")
    quantity_delta = fields.Quantity()
    counted_quantity = fields.Quantity(allow_none=True)
    unit_cost = fields.Price(allow_none=True)
    unit = fields.Text()
    value = fields.Amount()


class AdjustmentView(Schema):
    """A posted stock adjustment. Its value is in the company's currency."""

    id = fields.Uuid()
    number = fields.Text()
    company_id = fields.Uuid(refers="companies")
    warehouse_id = fields.Uuid(refers="warehouses")
    reason = fields.Text()
    date = fields.Day(attribute="adjusted_on")
    currency = fields.Text()
    value = fields.Amount()
    lines = fields.Many(fields.Part(AdjustmentLineView))
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


create_stock_adjustment = Operation(
    "POST /v1/stock-adjustments",
    "Correct stock; posted at once, waiting orders are served from what came in",
    "inventory.adjustments:write",
    request=AdjustmentRequest,
    response=AdjustmentView,
    status=201,
    idempotency="required",
)
get_stock_adjustment = Operation(
    "GET /v1/stock-adjustments/{id}",
    "Read a stock adjustment",
    "inventory.adjustments:read",
    response=AdjustmentView,
)
list_stock_adjustments = Operation(
    "GET /v1/stock-adjustments",
    "List stock adjustments",
    "inventory.adjustments:read",
    response=AdjustmentView,
    listing=Listing(
        filters={"number": fields.Text(), "warehouse_id": fields.Uuid(), "date": fields.Day()},
        sorts=("created_at", "number"),
        search=("number", "reason"),
    ),
)


# Stock


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


# Deliveries

DELIVERY_STATES = ("waiting", "ready", "shipped", "cancelled")


class DeliveryLineView(Schema):
    """What one order line gets with this delivery: asked, reserved by now, and left (`done`)."""

    id = fields.Uuid()
    order_line_id = fields.Uuid()
    product_id = fields.Uuid(refers="products")
    description = fields.Text()
    quantity = fields.Quantity()
    unit = fields.Text()
    reserved = fields.Quantity()
    done = fields.Quantity()


class DeliveryView(Schema):
    """Goods for an order. `backorder_of_id` is the delivery that this one brings the rest of."""

    id = fields.Uuid()
    number = fields.Text()
    company_id = fields.Uuid(refers="companies")
    order_id = fields.Uuid(refers="orders")
    order_number = fields.Text()
    customer_id = fields.Uuid(refers="contacts")
    customer_name = fields.Text()
    warehouse_id = fields.Uuid(refers="warehouses")
    status = fields.Choice(*DELIVERY_STATES)
    carrier = fields.Text(allow_none=True)
    tracking = fields.Text(allow_none=True)
    shipped_on = fields.Day(allow_none=True)
    backorder_of_id = fields.Uuid(refers="deliveries", allow_none=True)
    lines = fields.Many(fields.Part(DeliveryLineView))
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class ShippedLineRequest(Schema):
    """How much of a delivery line leaves."""

    id = fields.Uuid(required=True)
    quantity = fields.Quantity(positive=True, required=True)


class ShipRequest(Schema):
    """What leaves: everything reserved unless lines are named; the rest becomes a delivery of its own."""

    lines = fields.Many(fields.Part(ShippedLineRequest), most=500, least=1, unique="id")
    carrier = fields.Text(most=100, allow_none=True, load_default=None)
    tracking = fields.Text(most=100, allow_none=True, load_default=None)


get_delivery = Operation(
    "GET /v1/deliveries/{id}", "Read a delivery", "inventory.deliveries:read", response=DeliveryView
)
list_deliveries = Operation(
    "GET /v1/deliveries",
    "List deliveries",
    "inventory.deliveries:read",
    response=DeliveryView,
    listing=Listing(
        filters={
            "number": fields.Text(),
            "order_id": fields.Uuid(),
            "customer_id": fields.Uuid(),
            "status": fields.Choice(*DELIVERY_STATES),
            "shipped_on": fields.Day(),
            "created_at": fields.Instant(),
        },
        sorts=("created_at", "number"),
        search=("number", "order_number", "customer_name"),
    ),
)
ship_delivery = Operation(
    "POST /v1/deliveries/{id}/ship",
    "Ship a delivery, whole or in part",
    "inventory.deliveries:write",
    request=ShipRequest,
    response=DeliveryView,
    idempotency="required",
)

PERMISSIONS = {
    "inventory.products:read": ("see products", "voir les produits"),
    "inventory.products:write": ("create and change products", "créer et modifier des produits"),
    "inventory.warehouses:read": ("see warehouses and their locations", "voir les entrepôts et leurs emplacements"),
    "inventory.warehouses:write": (
        "create and change warehouses and locations",
        "créer et modifier des entrepôts et des emplacements",
    ),
    "inventory.stock:read": ("see stock, its moves and its value", "voir le stock, ses mouvements et sa valeur"),
    "inventory.adjustments:read": ("see stock adjustments", "voir les ajustements de stock"),
    "inventory.adjustments:write": ("adjust stock", "ajuster le stock"),
    "inventory.deliveries:read": ("see deliveries", "voir les livraisons"),
    "inventory.deliveries:write": ("ship deliveries", "expédier des livraisons"),
}
"""What each permission lets its holder do, in English and French."""
