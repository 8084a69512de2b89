"""Finance closes a month; the warehouse learns of it by events and obeys."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.days import present_day
from tests.flows.shop import Shop
from tests.suite import Refused


def _last_years_december(shop: Shop) -> Any:
    """The period; its fiscal year is opened first."""
    year = present_day().year - 1
    shop.api.post("/v1/fiscal-years", {"starts_on": date(year, 1, 1).isoformat()})
    return shop.one("/v1/periods", code=f"{year}-12")


def test_a_closed_month_takes_no_stock(shop: Shop) -> None:
    """C3: the lock of finance is obeyed by another service, from the moment it has heard of it."""
    lamp, period = shop.product("closing lamp", "10.00"), _last_years_december(shop)
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
