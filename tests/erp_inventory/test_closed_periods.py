"""C3: no stock document bears a day of a period that finance has locked, nor one to come."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import Invalid
from shared.storage.closed_periods import LOCK_PERMISSION, NoPeriod, PeriodLocked, PeriodSoftLocked
from tests.days import NEW_YEAR, at, in_new_york, present_day
from tests.erp_inventory.conftest import Shop

PERIOD = new_id()


def _locked(final: bool, on: date | None = None, company_id: UUID = DEFAULT_COMPANY_ID) -> finance.PeriodLocked:
    first = (on or present_day()).replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return finance.PeriodLocked(
        period_id=PERIOD, company_id=company_id, code=f"{first:%Y-%m}", starts_on=first, ends_on=last, final=final
    )


def _line(lamp: str) -> dict[str, Any]:
    return {"product_id": lamp, "quantity_delta": "1", "unit_cost": "2"}


def test_a_locked_period_takes_no_stock_document(shop: Shop) -> None:
    lamp = shop.product("lamp")
    shop.receive(lamp, "5")
    _, delivery = shop.ready((lamp, "2"))
    shop.inventory.deliver(_locked(final=True))
    for act in (lambda: shop.adjust(_line(lamp)), lambda: shop.ship(delivery)):
        with pytest.raises(PeriodLocked) as refused:
            act()
        assert refused.value.details == {"period": f"{present_day():%Y-%m}"}
    assert shop.figures(lamp) == ("5", "2", "5.00")


def test_a_day_of_a_locked_period_is_refused_and_one_after_it_taken(shop: Shop) -> None:
    lamp, last_month = shop.product("lamp"), present_day().replace(day=1) - timedelta(days=1)
    shop.inventory.deliver(_locked(final=True, on=last_month))
    with pytest.raises(PeriodLocked):
        shop.adjust(_line(lamp), date=last_month.isoformat())
    shop.adjust(_line(lamp), date=present_day().isoformat())
    before = last_month.replace(day=1) - timedelta(days=1)
    assert shop.adjust(_line(lamp), date=before.isoformat())["date"] == before.isoformat()


def test_a_soft_lock_stops_those_who_may_not_lock_until_it_is_opened(shop: Shop) -> None:
    lamp, locked = shop.product("lamp"), _locked(final=False)
    body = {"reason": "found", "lines": [_line(lamp)]}
    shop.inventory.deliver(locked)

    def adjust(*permissions: str) -> None:
        allowed = ["inventory.adjustments:write", *permissions]
        shop.inventory.call("create_stock_adjustment", body=body, key=shop.key(), permissions=allowed)

    with pytest.raises(PeriodSoftLocked):
        adjust()
    adjust(LOCK_PERMISSION)
    assert [event.passes_soft_locks for event in shop.events(inventory.StockMoved)] == [True]
    names = ("period_id", "company_id", "code", "starts_on", "ends_on")
    shop.inventory.deliver(finance.PeriodUnlocked(**{name: getattr(locked, name) for name in names}))
    adjust()
    assert [event.passes_soft_locks for event in shop.events(inventory.StockMoved)] == [False]


def test_a_shipment_says_whether_a_soft_lock_would_have_stopped_it(shop: Shop) -> None:
    """C3: the ledger learns from the events what the shipper may."""
    lamp, shipper = shop.product("lamp"), inventory.Delivery.ship.permission
    shop.receive(lamp, "2")
    for permissions, allowed in ([shipper], False), ([shipper, LOCK_PERMISSION], True):
        _, delivery = shop.ready((lamp, "1"))
        shop.inventory.published()
        shop.inventory.call("ship_delivery", id=delivery["id"], body={}, key=shop.key(), permissions=permissions)
        published = [event for event in shop.inventory.published() if hasattr(event, "passes_soft_locks")]
        assert [(type(event), event.passes_soft_locks) for event in published] == [
            (inventory.DeliveryShipped, allowed), (inventory.StockMoved, allowed),
        ]  # fmt: skip


def test_no_stock_document_bears_a_day_before_the_first_fiscal_year(shop: Shop) -> None:
    """C3: the year before opens by itself, others only by hand, and a company's own count."""
    lamp, year = shop.product("lamp"), present_day().year
    first = f"{year - 1}-01-01"
    for day in (f"{year - 2}-12-31", "1999-01-01"):
        with pytest.raises(NoPeriod) as refused:
            shop.adjust(_line(lamp), date=day)
        assert refused.value.details == {"date": date.fromisoformat(day)}
    assert shop.adjust(_line(lamp), date=first)["date"] == first
    shop.inventory.deliver(_opened(date(year - 2, 1, 1), new_id()))
    with pytest.raises(NoPeriod):
        shop.adjust(_line(lamp), date=f"{year - 2}-12-31")
    shop.inventory.deliver(_opened(date(year - 2, 7, 1)))
    with pytest.raises(NoPeriod):
        shop.adjust(_line(lamp), date=f"{year - 2}-06-30")
    assert shop.adjust(_line(lamp), date=f"{year - 2}-12-31")["date"] == f"{year - 2}-12-31"


def _opened(first: date, company_id: UUID = DEFAULT_COMPANY_ID) -> finance.FiscalYearOpened:
    return finance.FiscalYearOpened(
        fiscal_year_id=new_id(), company_id=company_id, code="a", starts_on=first, ends_on=date(first.year, 12, 31)
    )


def test_the_locks_of_another_company_are_its_own(shop: Shop) -> None:
    shop.inventory.deliver(_locked(final=True, company_id=new_id()))
    shop.adjust(_line(shop.product("lamp")))


def test_the_database_refuses_what_a_handler_forgot(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line of a migration is enough: the caller gets the same refusal."""
    lamp = shop.product("lamp")
    shop.inventory.deliver(_locked(final=True))
    forgetful: Callable[..., date] = lambda *_: present_day()  # noqa: E731
    monkeypatch.setattr("erp_inventory.adjusting.document_day", forgetful)
    with pytest.raises(PeriodLocked) as refused:
        shop.adjust(_line(lamp))
    assert refused.value.details == {"period": f"{present_day():%Y-%m}"}


def test_the_day_of_stock_is_that_of_the_company(shop: Shop) -> None:
    """C4: what is today in Paris is tomorrow in New York."""
    lamp = shop.product("lamp")
    with at(NEW_YEAR):
        assert shop.adjust(_line(lamp))["date"] == "2027-01-01"
        shop.inventory.deliver(in_new_york())
        assert shop.adjust(_line(lamp))["date"] == "2026-12-31"
        with pytest.raises(Invalid) as refused:
            shop.adjust(_line(lamp), date="2027-01-01")
        assert refused.value.errors == [{"pointer": "/date", "code": "in_the_future"}]
        _, delivery = shop.ready((lamp, "1"))
        assert shop.ship(delivery)["shipped_on"] == "2026-12-31"
