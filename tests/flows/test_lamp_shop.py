"""The lamp shop: from an order of three lines to balanced books, to the cent."""

from decimal import Decimal as D

from tests.flows.shop import Shop


def test_the_lamp_shop(shop: Shop) -> None:
    """Two tax rates, a discount, two shipments, two invoices, two payments; then nothing is owed and all is booked.

    Lamp 3 × 89.90 less 10 % = 242.73; shade 2 × 24.50 = 49.00 (20 %); book 4 × 12.30 = 49.20 (5.5 %).
    """
    lamp = shop.product("brass lamp", "89.90")
    shade = shop.product("silk shade", "24.50")
    book = shop.product("light book", "12.30", tax_code="S5.5")
    shop.receive(lamp, "5", "41.00")
    shop.receive(lamp, "5", "44.00")
    shop.receive(shade, "10", "9.99")
    shop.receive(book, "10", "6.15")
    customer = shop.customer("Hôtel des Lumières")

    order = shop.order(customer, (lamp, "3"), (shade, "2"), (book, "4"), discount="10")
    assert (order["net_total"], order["tax_total"], order["gross_total"]) == ("340.93", "61.06", "401.99")
    assert [line["net"] for line in order["lines"]] == ["242.73", "49.00", "49.20"]

    order = shop.confirmed(shop.place(order))
    assert order["delivery_status"] == "reserved"
    shop.ship(shop.delivery(order), "1", "2", "0")
    first = shop.until(order, delivery_status="partial")
    assert [line["delivered_quantity"] for line in first["lines"]] == ["1", "2", "0"]
    shop.ship(shop.delivery(order))

    one, two = shop.invoices(order, 2)
    assert (one["net_total"], one["gross_total"]) == ("129.91", "155.89")
    assert (two["net_total"], two["tax_total"]) == ("211.02", "35.08")
    shop.until(order, delivery_status="delivered", invoice_status="invoiced")
    owed = D(one["gross_total"]) + D(two["gross_total"])
    assert owed == D(order["gross_total"])
    shop.pay(customer, "100.00", one)
    shop.until(order, payment_status="partial")
    shop.pay(customer, str(owed - 100), shop.api.get(f"/v1/invoices/{one['id']}"), two)

    done = shop.until(order, status="completed", payment_status="paid")
    assert {s for s in shop.steps(done).values()} == {"done"}
    shop.settle()
    stock_left = D("7") * D("42.50") + D("8") * D("9.99") + D("6") * D("6.15")
    goods_in = D("425.00") + D("99.90") + D("61.50")
    assert shop.booked() == {
        "37": stock_left,
        "44571": -(owed - D("340.93")),
        "512": owed,
        "6037": (goods_in - stock_left) - goods_in,
        "707": -D("340.93"),
    }
    assert shop.stock(lamp)["value"] == "297.50"
    trace = {node["type"] for node in shop.api.get(f"/v1/orders/{order['id']}/trace")["nodes"]}
    assert {"order", "delivery", "invoice", "payment"} <= trace
