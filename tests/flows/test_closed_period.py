"""Finance closes a month; the warehouse learns of it by events and obeys."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.days import present_day
from tests.flows.shop import Shop
from tests.suite import Refused


def _last_years(shop: Shop, month: int) -> Any:
    """The period of a month; its fiscal year is opened first, unless it is known."""
    year = present_day().year - 1
    if not shop.api.get("/v1/fiscal-years", code=str(year))["data"]:
        shop.api.post("/v1/fiscal-years", {"starts_on": date(year, 1, 1).isoformat()})
    return shop.one("/v1/periods", code=f"{year}-{month}")


def test_a_closed_month_takes_no_stock(shop: Shop) -> None:
    """C3: the lock of finance is obeyed by another service, from the moment it has heard of it."""
    lamp, period = shop.product("closing lamp", "10.00"), _last_years(shop, 12)
    line = {"product_id": lamp["id"], "quantity_delta": "1", "unit_cost": "2"}
    body = {"reason": "found", "lines": [line], "date": period["starts_on"]}
    count: Callable[[], Any] = lambda: shop.api.post("/v1/stock-adjustments", body)  # noqa: E731
    assert count()["date"] == period["starts_on"]
    shop.api.post(f"/v1/periods/{period['id']}/lock", {"final": True})
    shop.api.get("/v1/stock-levels", limit=1, wait_for=shop.api.last_event)
    with pytest.raises(Refused) as refused:
        count()
    assert (refused.value.status, refused.value.problem["code"]) == (409, "period_locked")
    assert refused.value.problem["detail"].startswith(f"The period {period['code']} is locked")
    body["date"] = present_day().isoformat()
    assert count()["date"] == present_day().isoformat()


def test_what_may_be_dated_in_a_softly_locked_month_is_booked_there(shop: Shop) -> None:
    """C3: the ledger takes the word of the service that checked the right."""
    lamp, period = shop.product("late lamp", "10.00"), _last_years(shop, 11)
    shop.api.post(f"/v1/periods/{period['id']}/lock", {})
    shop.api.get("/v1/stock-levels", limit=1, wait_for=shop.api.last_event)
    line = {"product_id": lamp["id"], "quantity_delta": "1", "unit_cost": "2"}
    body = {"reason": "found", "lines": [line], "date": period["starts_on"]}
    counted = shop.api.post("/v1/stock-adjustments", body)
    entry = shop.one("/v1/journal-entries", source_id=counted["id"])
    shop.api.post(f"/v1/periods/{period['id']}/unlock")
    assert (entry["date"], entry["reference"]) == (period["starts_on"], counted["number"])


def test_nothing_is_dated_before_the_first_fiscal_year(shop: Shop) -> None:
    """C3: it would be booked later."""
    lamp = shop.product("ancient lamp", "10.00")
    line = {"product_id": lamp["id"], "quantity_delta": "1", "unit_cost": "2"}
    with pytest.raises(Refused) as refused:
        shop.api.post("/v1/stock-adjustments", {"reason": "found", "lines": [line], "date": "1999-12-31"})
    assert (refused.value.status, refused.value.problem["code"]) == (409, "no_period")
