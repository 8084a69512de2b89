"""Orders in every state, and what the warehouse and the books do for them."""

from collections.abc import Sequence

from deploy.seed import Api, identify, wait, wait_list
from shared.kernel import clock
from shared.kernel.time_zones import DEFAULT_ZONE, day_at

AFTER = ("crm_contacts", "erp_finance", "erp_inventory")


def fill(api: Api) -> None:
    api.wait_until_known()

    def order(name: str, customer: str, lines: Sequence[tuple[str, str, str]]) -> str:
        body = [{"product_id": identify(sku), "quantity": quantity, "discount_percent": off}
                for sku, quantity, off in lines]  # fmt: skip
        return str(api.create("/v1/orders", name, {"customer_id": identify(customer), "lines": body})["id"])

    order("order: draft", "Inès Garnier", [("LAM-AURORE", "1", "0"), ("AMP-E27-8", "2", "0")])

    confirmed = order("order: confirmed", "Cabinet Moreau Architectes",
                      [("SUS-HALO", "6", "10"), ("AMP-E27-8", "6", "0")])  # fmt: skip
    _place(api, confirmed, "confirmed")

    short = order("order: backordered", "Restaurant Le Phare", [("LAM-ZENITH", "3", "0"), ("APP-CREPUSC", "4", "0")])
    _place(api, short, "placed")

    open_order = order("order: invoiced", "Librairie du Port", [("LIV-GUIDE", "20", "5"), ("LAM-AURORE", "4", "0")])
    _place(api, open_order, "confirmed")
    _ship(api, open_order)

    partial = order("order: partly shipped", "Boutique Clarté", [("ABJ-LIN", "10", "0"), ("APP-CREPUSC", "8", "0")])
    _place(api, partial, "confirmed")
    _ship(api, partial, share=2)

    completed = order("order: completed", "Hôtel des Tuileries", [("LAM-MERIDIEN", "2", "0"), ("ABJ-LIN", "4", "5")])
    _place(api, completed, "confirmed")
    _ship(api, completed)
    _pay(api, completed, identify("Hôtel des Tuileries"))
    wait(api, f"/v1/orders/{completed}", lambda found: found["status"] == "completed")


def _place(api: Api, order: str, until: str) -> None:
    """Place a draft and wait for the answers of credit and stock."""
    if api.get(f"/v1/orders/{order}")["status"] == "draft":
        api.post(f"/v1/orders/{order}/place", {}, key=f"place:{order}")
    wanted = ("confirmed", "completed") if until == "confirmed" else (until, "confirmed", "on_hold")
    wait(api, f"/v1/orders/{order}", lambda found: found["status"] in wanted)


def _ship(api: Api, order: str, share: int = 1) -> None:
    """Ship the first delivery of an order, or one part in `share` of each line: the rest becomes a backorder."""
    deliveries = wait_list(api, "/v1/deliveries", order)
    first = min(deliveries, key=lambda delivery: str(delivery["created_at"]))
    if first["status"] == "shipped":
        return
    ready = wait(api, f"/v1/deliveries/{first['id']}", lambda found: found["status"] == "ready")
    lines = [{"id": line["id"], "quantity": str(int(float(line["quantity"])) // share)} for line in ready["lines"]]
    body = {"lines": lines} if share > 1 else {}
    api.post(f"/v1/deliveries/{first['id']}/ship", body, key=f"ship:{first['id']}")


def _pay(api: Api, order: str, customer: str) -> None:
    """Pay every invoice of an order by bank transfer."""
    for invoice in wait_list(api, "/v1/invoices", order):
        name = f"payment of {invoice['id']}"
        payment = api.create(
            "/v1/payments", name,
            {"direction": "in", "contact_id": customer, "amount": invoice["gross_total"],
             "currency": invoice["currency"], "method": "transfer", "date": str(day_at(clock.now(), DEFAULT_ZONE)),
             "allocations": [{"invoice_id": invoice["id"], "amount": invoice["gross_total"]}]},
        )  # fmt: skip
        if payment["status"] == "draft":
            api.post(f"/v1/payments/{payment['id']}/post", {}, key=f"post:{name}")
