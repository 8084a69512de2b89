"""Stock adjustments: what came in or went out without a document of trade."""

from shared.schema import Amount, Currency, Day, Line, Lines, Multiline, Price, Quantity, Refers, Resource, Text


class AdjustmentLine(Line):
    """What changes for one product: either by how much, or what was counted."""

    product_id = Refers("products", "What is corrected.", by_handler=True, required=True)
    quantity_delta = Quantity("By how much; not zero.", optional=True)
    counted_quantity = Quantity("What was counted, instead.", not_negative=True, null=True)
    unit_cost = Price("Of what comes in, else the product's standard cost.", not_negative=True, null=True)
    unit = Text(20, "That of the product.", computed=True)
    value = Amount("Signed like `quantity_delta`: at `unit_cost` in, at average cost out.", computed=True)


class StockAdjustment(
    Resource,
    path="/v1/stock-adjustments",
    permission="inventory.adjustments",
    label="number",
    operations=("create", "get", "list"),
    idempotency="required",
    summaries={"create": "Correct stock; posted at once, waiting orders are served from what came in"},
):
    """A posted correction of the stock of one warehouse. Its value is in the company's currency."""

    number = Text(
        20, "Given when it is posted.", computed=True, unique=True, filter=True, sort=True, search=True, index=True
    )
    company_id = Refers("companies", "Whose stock it is.", computed=True)
    warehouse_id = Refers("warehouses", "The default one unless another is named.", by_handler=True, optional=True, filter=True,
                          index=True)  # fmt: skip
    reason = Multiline(500, "In a person's words.", required=True, search=True, index=True)
    date = Day("The day of the company unless another is named.", optional=True, filter=True)
    currency = Currency(computed=True)
    value = Amount("Of all lines.", computed=True)
    lines = Lines(AdjustmentLine, "What changes.", least=1, once="product_id", required=True)
