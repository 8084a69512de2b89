"""Deliveries: goods that leave for orders."""

from shared.schema import Day, Id, Line, Lines, Quantity, Refers, Resource, State, Text, Verb
from shared.wire import fields
from shared.wire.fields import Schema


class DeliveryLine(Line):
    """What one order line gets with this delivery: asked, reserved by now, and left (`done`)."""

    order_line_id = Id("The line of the order.")
    product_id = Refers("products", "What is delivered.")
    description = Text(500, "As on the order.")
    quantity = Quantity("What is asked.", positive=True)
    unit = Text(20, "That of the order.")
    reserved = Quantity("What is set aside by now.", computed=True)
    done = Quantity("What left.", not_negative=True)


class ShippedLineRequest(Schema):
    """How much of a delivery line leaves."""

    id = fields.Uuid(required=True)
    quantity = fields.Quantity(positive=True, required=True)


class ShipRequest(Schema):
    """What leaves: everything reserved unless lines are named; the rest becomes a delivery of its own."""

    lines = fields.Many(fields.Part(ShippedLineRequest), most=500, least=1, unique="id")
    carrier = fields.Text(most=100, allow_none=True, load_default=None)
    tracking = fields.Text(most=100, allow_none=True, load_default=None)


class Delivery(
    Resource,
    path="/v1/deliveries",
    permission="inventory.deliveries",
    label="number",
    columns=("number", "order_number", "customer_name", "status", "shipped_on"),
    operations=("get", "list"),
    filters={"created_at": fields.Instant()},
):
    """Goods for an order: waiting for goods and for the order's confirmation, then ready, then shipped or cancelled."""

    number = Text(20, "Given when it is made.", unique=True, filter=True, sort=True, search=True, index=True)
    company_id = Refers("companies", "Who delivers.")
    order_id = Refers("orders", "What it is for.", filter=True, index=True)
    order_number = Text(20, "The number of that order.", search=True, index=True)
    customer_id = Refers("contacts", "Who gets it.", filter=True, index=True)
    customer_name = Text(201, "As on the order.", search=True, index=True)
    warehouse_id = Refers("warehouses", "Where it leaves.", by_handler=True)
    status = State(waiting="Waiting", ready="Ready", shipped="Shipped", cancelled="Cancelled", start="waiting",
                   tones={"waiting": "warning", "ready": "info", "shipped": "success"})  # fmt: skip
    carrier = Text(100, "Who carries it.", null=True)
    tracking = Text(100, "The carrier's number.", null=True)
    shipped_on = Day("The day on which it left.", null=True, filter=True, index=True)
    backorder_of_id = Refers("deliveries", "The delivery that this one brings the rest of.", null=True)
    lines = Lines(DeliveryLine, "What is in it.")

    ship = Verb("Ship the delivery: whole or in part", of=("ready",), to="shipped", request=ShipRequest,
                idempotency="required")  # fmt: skip
