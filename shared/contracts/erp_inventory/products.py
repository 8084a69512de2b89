"""Products: what can be sold, bought and kept."""

from shared.schema import Choice, Code, Custom, Flag, Price, Resource, Table, Tags, Text
from shared.wire import codes

TAX_CODES = ("S20", "S10", "S5.5", "S2.1", "S0")
"""The built-in French VAT codes of erp_finance (CGI art. 278, 278-0 bis, 279, 281 quater)."""


class Product(
    Resource,
    path="/v1/products",
    permission="inventory.products",
    label="name",
    columns=("sku", "name", "type", "category", "sale_price", "active"),
    summaries={
        "create": "Add a product to the catalogue",
        "update": "Change a product; its type and unit only while it was never moved or ordered",
        "delete": "Delete a product that was never moved or ordered",
    },
):
    """A product of the catalogue. Prices and costs are in the company's currency; the sale price excludes tax."""

    sku = Code(64, "By which the company knows it.", title="SKU", required=True, unique=True, filter=True, sort=True,
               search=True, index=True)  # fmt: skip
    name = Text(200, "As printed on documents.", required=True, filter=True, sort=True, search=True, index=True)
    type = Choice(("goods", "service", "consumable"), "Services are not kept in stock.", default="goods", filter=True)
    unit = Text(20, "In which it is counted.", least=1, default="unit")
    barcode = Code(
        64, "A GTIN or another code.", of=codes.Barcode, least=1, null=True, filter=True, search=True, index=True
    )
    category = Text(100, "By which the catalogue is grouped.", null=True, filter=True)
    sale_price = Price("For one unit, without tax.", not_negative=True, null=True)
    standard_cost = Price("At which it comes in where nothing else is said.", not_negative=True, null=True)
    tax_code = Choice(TAX_CODES, "Of the VAT on its sale.", of=codes.TaxCode, title="VAT code", default="S20")
    tracking = Choice(("none",), "Whether lots or serial numbers are kept.", default="none")
    valuation = Choice(("avco",), "At which cost it leaves: the weighted average.", default="avco")
    active = Flag("Whether it is offered.", default=True, filter=True)
    external_ids = Table("Its ids in other systems, by system.", title="External ids", default=dict, index=True)
    tags = Tags(index=True)
    custom = Custom(index=True, optional=True)
