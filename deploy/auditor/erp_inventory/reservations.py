"""I9, I10, I11, I24: goods are set aside once for every placed order, never more than ordered, and given back."""

from typing import Any

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.joins import Row, joined

_PLACED = (
    "SELECT id, number, status, has_goods, rest_released, confirmed_at IS NOT NULL, updated_at FROM sales_order"
    " WHERE placed_at IS NOT NULL ORDER BY id"
)
# Per order: was it heard of, was it cancelled, its first deliveries, whether one of them may leave, what is set aside.
_ANSWERED = """
    SELECT o.order_id, o.placed_at IS NOT NULL, o.cancelled_at IS NOT NULL, coalesce(d.firsts, 0),
        coalesce(d.prepared, false), coalesce(d.open, 0), coalesce(r.reserved, 0),
        greatest(o.placed_at, o.cancelled_at, d.since)
    FROM customer_order o
    LEFT JOIN (SELECT order_id, count(*) FILTER (WHERE backorder_of_id IS NULL) AS firsts,
            bool_or(confirmed) AS prepared, count(*) FILTER (WHERE status IN ('waiting', 'ready')) AS open,
            max(updated_at) AS since FROM delivery GROUP BY 1) d USING (order_id)
    LEFT JOIN (SELECT order_id, sum(reserved) AS reserved FROM reservation GROUP BY 1) r USING (order_id)
    ORDER BY 1"""


def _orders(world: World) -> Any:
    rows = world.databases.rows
    return joined(rows("crm_sales", _PLACED), rows("erp_inventory", _ANSWERED))


@checks(I9="every placed order has one answer of the warehouse")
def answered_once(world: World, found: Findings) -> None:
    """Every placed order has one first delivery, or was cancelled before, or has nothing to deliver."""
    for orders, answers in _orders(world):
        found.checked += 1
        if not orders:
            (order_id, *_, since), *_ = answers
            if answers[0][1] or answers[0][3]:
                found.add("the warehouse answered for an order that was never placed", since, order=order_id)
            continue
        _check_answer(orders[0], answers[0] if answers else None, found)


def _check_answer(order: Row, answer: Row | None, found: Findings) -> None:
    order_id, number, _, has_goods, *_, since = order
    if answer is None or not answer[1]:
        found.add(f"the warehouse never heard of order {number}", since, order=order_id)
        return
    _, _, cancelled, firsts, *_ = answer
    wanted = (0, 1) if has_goods and cancelled else (1,) if has_goods else (0,)
    if firsts not in wanted:
        found.add(f"order {number} has {firsts} first deliveries", since, order=order_id)


_LINES = (
    "SELECT l.id, l.order_id, l.product_id, l.quantity, l.delivered_quantity, o.status, o.number,"
    " o.rest_released, o.updated_at FROM order_line l JOIN sales_order o ON o.id = l.order_id"
    " WHERE o.placed_at IS NOT NULL AND l.kind <> 'service' ORDER BY l.id"
)
_GOODS = """
    SELECT l.order_line_id, d.order_id, l.product_id,
        sum(CASE WHEN d.status = 'shipped' THEN l.done ELSE 0 END),
        sum(CASE WHEN d.status IN ('waiting', 'ready') THEN l.quantity ELSE 0 END),
        sum(coalesce(r.reserved, 0)), max(d.updated_at)
    FROM delivery_line l JOIN delivery d ON d.id = l.delivery_id LEFT JOIN reservation r ON r.delivery_line_id = l.id
    GROUP BY 1, 2, 3 ORDER BY 1"""
_LEFT = """
    SELECT l.order_line_id, sum(l.done), max(d.updated_at) FROM delivery_line l JOIN delivery d ON d.id = l.delivery_id
    WHERE d.status = 'shipped' GROUP BY 1 ORDER BY 1"""
_BILLED = "SELECT id, order_id, delivered_quantity FROM sales_order_line WHERE kind <> 'service' ORDER BY id"


@checks(I10="confirmed orders have their goods, cancelled ones have none", I11="shipped ≤ reserved ≤ ordered")
def set_aside_and_shipped(world: World, confirmed: Findings, shipped: Findings) -> None:
    _check_orders(world, confirmed)
    rows = world.databases.rows
    for lines, goods in joined(rows("crm_sales", _LINES), rows("erp_inventory", _GOODS)):
        shipped.checked += 1
        if not lines:
            line_id, *_, since = goods[0]
            shipped.add("goods are delivered for a line that no placed order has", since, order_line=line_id)
        else:
            _check_line(lines[0], goods, confirmed, shipped)
    _check_books(world, shipped)


def _check_orders(world: World, found: Findings) -> None:
    """Prepared exactly when confirmed; nothing is kept for what was cancelled."""
    for orders, answers in _orders(world):
        if not orders or not answers:
            continue
        found.checked += 1
        order_id, number, status, _, _, is_confirmed, since = orders[0]
        _, _, cancelled, firsts, prepared, open_deliveries, reserved, heard = answers[0]
        since = max(since, heard)
        if status == "cancelled" and (reserved or open_deliveries):
            found.add(f"{reserved} are set aside for the cancelled order {number}", since, order=order_id)
        elif cancelled and (reserved or open_deliveries):
            found.add(
                f"{reserved} are set aside for order {number}, which the warehouse cancelled", since, order=order_id
            )
        elif prepared and not is_confirmed:
            found.add(f"a delivery of order {number} was prepared without confirmation", since, order=order_id)
        elif status in ("confirmed", "completed") and firsts and not prepared and not cancelled:
            found.add(f"order {number} is confirmed and no delivery of it is prepared", since, order=order_id)


def _check_line(line: Row, goods: list[Row], confirmed: Findings, shipped: Findings) -> None:
    line_id, order_id, product_id, ordered, told, status, number, rest_released, since = line
    if not goods:
        if told:
            shipped.add(f"{number}: sales counts {told} delivered, nothing was", since, order_line=line_id)
        return
    left, still_open, reserved = (sum(row[column] for row in goods) for column in (3, 4, 5))
    since = max(since, *(row[6] for row in goods))
    if any(row[1:3] != (order_id, product_id) for row in goods):
        shipped.add(f"{number}: delivered for another order or another product", since, order_line=line_id)
    if left > ordered or left + still_open > ordered or reserved > still_open:
        text = f"{number}: {ordered} ordered, {still_open} to deliver, {reserved} set aside, {left} shipped"
        shipped.add(text, since, order_line=line_id)
    if left != told:
        shipped.add(f"{number}: {left} shipped, sales counts {told}", since, order_line=line_id)
    if status in ("confirmed", "completed"):
        confirmed.checked += 1
        if not rest_released and left + reserved < ordered:
            text = f"{number} is confirmed: of {ordered}, {left} shipped and {reserved} set aside"
            confirmed.add(text, since, order_line=line_id)


def _check_books(world: World, found: Findings) -> None:
    """Finance counts as delivered what the warehouse shipped."""
    rows = world.databases.rows
    for lines, goods in joined(rows("erp_finance", _BILLED), rows("erp_inventory", _LEFT)):
        left, since = goods[0][1:] if goods else (0, None)
        counted = lines[0][2] if lines else 0
        if left != counted:
            line_id = (lines or goods)[0][0]
            found.add(f"{left} shipped, finance counts {counted}", since, order_line=line_id)


_LEVELS = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM stock_level",
    broken="""
    WITH held AS (SELECT product_id, location_id, sum(reserved) AS held FROM reservation GROUP BY 1, 2)
    SELECT product_id, location_id, coalesce(l.reserved, 0) AS stored, coalesce(held, 0) AS held,
        l.updated_at AS since
    FROM stock_level l FULL JOIN held USING (product_id, location_id)
    WHERE coalesce(l.reserved, 0) <> coalesce(held, 0)""",
    sentence="{stored} are marked as reserved, {held} are set aside for deliveries",
)
_DEMAND = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM reservation",
    broken="""
    SELECT r.delivery_line_id, r.delivery_id, r.reserved, coalesce(d.status, 'missing') AS status, d.updated_at AS since
    FROM reservation r LEFT JOIN delivery_line l ON l.id = r.delivery_line_id LEFT JOIN delivery d ON d.id = r.delivery_id
    WHERE d.status IS NULL OR d.status NOT IN ('waiting', 'ready') OR l.delivery_id IS DISTINCT FROM r.delivery_id
        OR l.product_id IS DISTINCT FROM r.product_id OR d.location_id IS DISTINCT FROM r.location_id
        OR d.order_id IS DISTINCT FROM r.order_id OR l.quantity IS DISTINCT FROM r.wanted""",
    sentence="{reserved} are set aside for a delivery line that does not want them (delivery: {status})",
)
_UNSERVED = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM delivery WHERE status IN ('waiting', 'ready')",
    broken="""
    SELECT l.id AS delivery_line_id, l.delivery_id, d.number, d.updated_at AS since
    FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id LEFT JOIN reservation r ON r.delivery_line_id = l.id
    WHERE d.status IN ('waiting', 'ready') AND (r.delivery_line_id IS NULL OR (d.status = 'ready' AND r.reserved < r.wanted))""",
    sentence="{number} is open and its line has no reservation, or is ready without its goods",
)


@checks(I24="every reservation has its open demand")
def each_reservation_has_its_demand(world: World, found: Findings) -> None:
    for rule in (_LEVELS, _DEMAND, _UNSERVED):
        rule.apply(world, found)
