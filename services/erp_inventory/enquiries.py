"""Questions about stock: levels, moves, what can be promised, what it is worth. Nothing here changes anything."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select, text
from sqlalchemy.orm import Session

from erp_inventory.models import Product, StockLevel, StockMove, Warehouse
from erp_inventory.models.base import CURRENCY
from erp_inventory.models.places import DEFAULT_WAREHOUSE_ID
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import ListRequest, Page, query
from shared.kernel import clock
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.money import ZERO
from shared.kernel.refusals import BadRequest, NotFound
from shared.storage.company_sql import company_ids, in_companies

_LEVEL: tuple[Any, ...] = (
    StockLevel.id,
    StockLevel.product_id,
    StockLevel.warehouse_id,
    StockLevel.location_id,
    StockLevel.on_hand,
    StockLevel.reserved,
    (StockLevel.on_hand - StockLevel.reserved).label("available"),
    literal(ZERO).label("incoming"),
    Product.unit,
    StockLevel.value,
    StockLevel.version,
    StockLevel.updated_at,
)
_LEVELS = select(*_LEVEL).join(Product, Product.id == StockLevel.product_id)

_BALANCES = text(
    "SELECT product_id, location_id, sum(quantity) AS on_hand, sum(value) AS value FROM ("
    " SELECT product_id, to_location_id AS location_id, quantity, value FROM stock_move"
    " WHERE product_id = ANY(:products) AND moved_on <= :as_of"
    " UNION ALL SELECT product_id, from_location_id, -quantity, -value FROM stock_move"
    " WHERE product_id = ANY(:products) AND moved_on <= :as_of) AS legs GROUP BY product_id, location_id"
)
_OF_COMPANIES = in_companies("p.company_id")

_AVAILABILITY = text(
    "SELECT p.unit, p.type, coalesce(sum(l.on_hand), 0) AS on_hand, coalesce(sum(l.reserved), 0) AS reserved"
    " FROM product p LEFT JOIN stock_level l ON l.product_id = p.id AND l.warehouse_id = :warehouse_id"
    f" WHERE p.id = :product_id AND {_OF_COMPANIES} GROUP BY p.id"
)
_VALUE_NOW = text(
    "SELECT p.id AS product_id, p.sku, p.name, p.unit, sum(l.on_hand) AS quantity, sum(l.value) AS value"
    f" FROM stock_level l JOIN product p ON p.id = l.product_id WHERE {_OF_COMPANIES} GROUP BY p.id"
    " HAVING sum(l.on_hand) <> 0 OR sum(l.value) <> 0 ORDER BY p.sku"
)
_VALUE_AT = text(
    "SELECT p.id AS product_id, p.sku, p.name, p.unit, sum(m.quantity) AS quantity, sum(m.value) AS value FROM ("
    " SELECT product_id, quantity, value FROM stock_move WHERE to_usage = 'internal' AND moved_on <= :as_of"
    " UNION ALL SELECT product_id, -quantity, -value FROM stock_move"
    " WHERE from_usage = 'internal' AND moved_on <= :as_of) AS m JOIN product p ON p.id = m.product_id"
    f" WHERE {_OF_COMPANIES} GROUP BY p.id HAVING sum(m.quantity) <> 0 OR sum(m.value) <> 0 ORDER BY p.sku"
)


class Enquiries:
    """What is there, where it came from, and what it is worth."""

    @query(inventory.list_stock_levels)
    def list_stock_levels(self, session: Session, listing: ListRequest) -> Page:
        """Levels now are one indexed read; levels of a day are summed up from the moves until then."""
        as_of = _take_day(listing)
        restricted = current(session).companies is not None
        page = listing.page(session, _LEVELS.join(Warehouse) if restricted else _LEVELS)
        if as_of:
            page.rows = _as_of(session, page.rows, as_of)
        return page

    @query(inventory.list_stock_moves)
    def list_stock_moves(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(StockMove))

    @query(inventory.get_availability)
    def get_availability(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """Available to promise: on hand less reserved. What may arrive later is not promised yet."""
        asked = {"warehouse_id": DEFAULT_WAREHOUSE_ID, **parameters}
        found = session.execute(
            _AVAILABILITY, {**asked, "companies": company_ids(current(session).companies)}
        ).one_or_none()
        if found is None:
            raise NotFound(what="product", id=asked["product_id"])
        available = found.on_hand - found.reserved
        sufficient = found.type == "service" or available >= asked["quantity"]
        return {
            **asked,
            **found._mapping,
            "available": available,
            "sufficient": sufficient,
            "available_on": business_day(session, current(session).company_id) if sufficient else None,
            "as_of": clock.now(),
        }

    @query(inventory.get_stock_valuation)
    def get_stock_valuation(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """Stock at cost; by day it follows the dates of the moves, as the stock account in the ledger does."""
        as_of = parameters.get("as_of")
        values = {"as_of": as_of, "companies": company_ids(current(session).companies)}
        found = session.execute(_VALUE_AT if as_of else _VALUE_NOW, values).all()
        return {
            "as_of": as_of or business_day(session, current(session).company_id),
            "currency": CURRENCY,
            "rows": found,
            "totals": {"value": sum((row.value for row in found), ZERO)},
        }


def _take_day(listing: ListRequest) -> date | None:
    """Take `as_of` out of the filters: it says when, not which."""
    days = [asked for asked in listing.conditions if asked.name == "as_of"]
    if any(asked.operator != "eq" for asked in days):
        raise BadRequest([{"pointer": "?as_of", "code": "invalid"}])
    listing.conditions = [asked for asked in listing.conditions if asked.name != "as_of"]
    return days[0].value if days else None


def _as_of(session: Session, rows: list[Any], as_of: date) -> list[dict[str, Any]]:
    products = [row.product_id for row in rows]
    balances: dict[tuple[UUID, UUID], dict[str, Decimal]] = {
        (found.product_id, found.location_id): {"on_hand": found.on_hand, "value": found.value}
        for found in session.execute(_BALANCES, {"products": products, "as_of": as_of})
    }
    nothing = {"on_hand": ZERO, "value": ZERO}
    unknown = {"reserved": None, "available": None}
    return [{**row._mapping, **unknown, **balances.get((row.product_id, row.location_id), nothing)} for row in rows]
