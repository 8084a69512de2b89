"""One clock: a shop lives through a fiscal year in less than a minute, and everything follows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local import servers as local
from shared.kernel.clock import Moved
from tests.conftest import QUICK_RETRIES
from tests.days import present_day
from tests.flows.shop import Shop
from tests.suite import Refused, Suite

YEAR = present_day().year + 1


@pytest.fixture(scope="module")
def suite(pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    """A suite with a clock of its own: it is never moved back, and the other stories have today."""
    file = own_root / "year" / "clock"
    file.unlink(missing_ok=True)
    started = Suite(pair, own_root / "year", "year", env=QUICK_RETRIES, together=True, clock=Moved(file)).start()
    yield started
    started.stop()


def _noon(month: int, day: int, year: int = YEAR) -> datetime:
    return datetime(year, month, day, 11, tzinfo=UTC)


def _sale(shop: Shop, customer: Any, lamp: Any) -> Any:
    """Order to cash; the invoice."""
    order = shop.placed(customer, (lamp, "1"))
    shop.confirmed(order)
    shop.ship(shop.delivery(order))
    (invoice,) = shop.invoices(order, 1)
    shop.pay(customer, invoice["gross_total"], invoice)
    return shop.one("/v1/invoices", id=invoice["id"]) | {"order": shop.until(order, status="completed")}


def test_a_fiscal_year(shop: Shop) -> None:
    """Twelve months of orders, each in its own period; quotes, keys, tokens and stored events run out on the way."""
    suite, api = shop.suite, shop.api
    old_token = api.token
    lamp, customer = shop.product("year lamp", "100.00"), shop.customer("Twelve months")
    shop.receive(lamp, "100", "40.00")
    key, body = "the-same-key-all-year", {"kind": "person", "first_name": "Ann", "last_name": "Year"}
    first_ann = api.post("/v1/contacts", body, key=key)
    assert api.post("/v1/contacts", body, key=key)["id"] == first_ann["id"]
    first_event = api.last_event
    api.post("/v1/fiscal-years", {"starts_on": f"{YEAR}-01-01"})
    api.get("/v1/stock-levels", limit=1, wait_for=api.last_event)
    api.get("/v1/orders", limit=1, wait_for=api.last_event)
    invoices = []
    for month in range(1, 13):
        suite.move_to(_noon(month, 15))
        invoices.append(_sale(shop, customer, lamp))
        if month == 1:
            quote = _sent_quote(shop, customer, lamp, f"{YEAR}-02-10")
            assert _status(suite, old_token) == 401, "a token of ten minutes"
    assert [i["issued_on"] for i in invoices] == [f"{YEAR}-{month:02}-15" for month in range(1, 13)]
    assert [i["number"] for i in invoices] == [f"FA-{YEAR}-{n:05}" for n in range(1, 13)], "without a gap"
    assert [i["order"]["placed_at"][:7] for i in invoices] == [i["issued_on"][:7] for i in invoices]
    assert [_month_of(i["id"]) for i in invoices] == list(range(1, 13)), "ids are of their time"
    assert api.eventually(f"/v1/quotes/{quote['id']}", lambda q: q["status"] == "expired")
    assert api.post("/v1/contacts", body, key=key)["id"] != first_ann["id"], "a key is remembered for thirty days"
    with pytest.raises(Refused) as gone:
        api.get("/v1/events", after=first_event)
    assert gone.value.status == 410, "events are stored for ninety days"
    with pytest.raises(ValueError, match="only moves forward"):
        suite.move_to(_noon(1, 1))
    assert shop.stock(lamp)["on_hand"] == "88" and shop.booked()["707"] == -1200


def _sent_quote(shop: Shop, customer: Any, lamp: Any, valid_until: str) -> Any:
    lines = [{"product_id": lamp["id"], "quantity": "1"}]
    made = shop.api.post("/v1/quotes", {"customer_id": customer["id"], "lines": lines, "valid_until": valid_until})
    return shop.api.post(f"/v1/quotes/{made['id']}/send")


def _status(suite: Suite, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{suite.base_url}/v1/orders", headers=headers, params={"limit": 1}).status_code


def _month_of(made: str) -> int:
    return datetime.fromtimestamp((UUID(made).int >> 80) / 1000, UTC).month
