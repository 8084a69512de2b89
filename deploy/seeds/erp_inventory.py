"""The catalogue and its opening stock at cost."""

from deploy.seed import Api, identify

AFTER = ("erp_finance",)

# name, sku, unit, sale price, cost, VAT code, opening stock
PRODUCTS = (
    ("Lampe de bureau Aurore", "LAM-AURORE", "unit", "89.00", "41.50", "S20", 40),
    ("Lampadaire Méridien", "LAM-MERIDIEN", "unit", "245.00", "118.00", "S20", 12),
    ("Suspension Halo", "SUS-HALO", "unit", "159.00", "72.40", "S20", 25),
    ("Applique Crépuscule", "APP-CREPUSC", "unit", "64.50", "27.90", "S20", 60),
    ("Ampoule LED E27 8 W", "AMP-E27-8", "unit", "7.90", "2.35", "S20", 500),
    ("Abat-jour lin naturel", "ABJ-LIN", "unit", "39.00", "14.20", "S20", 80),
    ("Guide « Éclairer son intérieur »", "LIV-GUIDE", "unit", "18.96", "9.10", "S5.5", 100),
    ("Lampe de collection Zénith", "LAM-ZENITH", "unit", "490.00", "260.00", "S20", 2),
)
INSTALLATION = ("Pose et réglage sur site", "SRV-POSE", "hour", "55.00", "S10")


def fill(api: Api) -> None:
    for name, sku, unit, price, cost, tax, _stock in PRODUCTS:
        body = {"sku": sku, "name": name, "type": "goods", "unit": unit, "sale_price": price}
        api.create("/v1/products", sku, body | {"standard_cost": cost, "tax_code": tax})
    name, sku, unit, price, tax = INSTALLATION
    body = {"sku": sku, "name": name, "type": "service", "unit": unit, "sale_price": price, "tax_code": tax}
    api.create("/v1/products", sku, body)
    lines = [
        {"product_id": identify(sku), "quantity_delta": str(stock), "unit_cost": cost}
        for _name, sku, _unit, _price, cost, _tax, stock in PRODUCTS
    ]
    api.create("/v1/stock-adjustments", "opening stock", {"reason": "Stock d'ouverture", "lines": lines})
