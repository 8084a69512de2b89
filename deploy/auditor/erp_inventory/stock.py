"""I22, I23: stock is the sum of its moves, and it was never negative: at no moment of its history, at the end of no day."""

from deploy.auditor.findings import Findings, Rule, World, checks

_FLOWS = """flow AS (
        SELECT product_id, to_location_id AS location_id, quantity, value, position, moved_on, created_at FROM stock_move
        UNION ALL
        SELECT product_id, from_location_id, -quantity, -value, position, moved_on, created_at FROM stock_move)"""

_ON_HAND = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM stock_level",
    broken=f"""
    WITH {_FLOWS}, moved AS (
        SELECT product_id, location_id, sum(quantity) AS quantity, sum(value) AS value, max(f.created_at) AS since
        FROM flow f JOIN location p ON p.id = f.location_id WHERE p.usage = 'internal' GROUP BY 1, 2)
    SELECT product_id, location_id, coalesce(on_hand, 0) AS on_hand, coalesce(quantity, 0) AS moved,
        coalesce(l.value, 0) AS stored_value, coalesce(m.value, 0) AS moved_value, since
    FROM stock_level l FULL JOIN moved m USING (product_id, location_id)
    WHERE coalesce(on_hand, 0) <> coalesce(quantity, 0) OR coalesce(l.value, 0) <> coalesce(m.value, 0)""",
    sentence="on hand {on_hand} worth {stored_value}, moves say {moved} worth {moved_value}",
)
# What lies at our own locations came from elsewhere: with the moves of virtual locations every product sums to zero.
_ZERO_SUM = Rule(
    "erp_inventory",
    counted="SELECT count(DISTINCT product_id) FROM stock_move",
    broken=f"""
    WITH {_FLOWS}, outside AS (
        SELECT product_id, sum(quantity) AS quantity FROM flow f JOIN location p ON p.id = f.location_id
        WHERE p.usage <> 'internal' GROUP BY 1),
    inside AS (SELECT product_id, sum(on_hand) AS quantity FROM stock_level GROUP BY 1)
    SELECT product_id, coalesce(i.quantity, 0) AS inside, coalesce(o.quantity, 0) AS outside
    FROM inside i FULL JOIN outside o USING (product_id) WHERE coalesce(i.quantity, 0) + coalesce(o.quantity, 0) <> 0""",
    sentence="over all locations it does not sum to zero: {inside} inside, {outside} outside",
)
_PLACES = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM stock_move",
    broken="""
    SELECT m.id AS move_id, m.document_number, m.created_at AS since FROM stock_move m
    LEFT JOIN location f ON f.id = m.from_location_id LEFT JOIN location t ON t.id = m.to_location_id
    WHERE f.usage IS DISTINCT FROM m.from_usage OR t.usage IS DISTINCT FROM m.to_usage""",
    sentence="a move of {document_number} names a location that does not exist or is of another kind",
)
_DOCUMENTS = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM delivery_line WHERE done > 0",
    broken="""
    SELECT l.id AS delivery_line_id, d.number, l.done, coalesce(m.quantity, 0) AS moved, d.updated_at AS since
    FROM delivery_line l JOIN delivery d ON d.id = l.delivery_id
    LEFT JOIN stock_move m ON m.document_type = 'delivery' AND m.document_line_id = l.id AND m.document_id = d.id
    WHERE coalesce(m.quantity, 0) <> l.done OR (l.done > 0 AND d.status <> 'shipped')
        OR (m.id IS NOT NULL AND (m.product_id <> l.product_id OR m.from_location_id <> d.location_id))""",
    sentence="{number} shipped {done}, its move says {moved}",
)


@checks(I22="stock is the sum of its moves, and all locations sum to zero")
def stock_is_the_sum_of_its_moves(world: World, found: Findings) -> None:
    for rule in (_ON_HAND, _ZERO_SUM, _PLACES, _DOCUMENTS):
        rule.apply(world, found)


_NEVER_NEGATIVE = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM stock_move",
    broken=f"""
    WITH {_FLOWS}, running AS (
        SELECT product_id, location_id, position, f.created_at AS since,
            sum(quantity) OVER history AS on_hand, sum(value) OVER history AS worth
        FROM flow f JOIN location p ON p.id = f.location_id WHERE p.usage = 'internal'
        WINDOW history AS (PARTITION BY product_id, location_id ORDER BY position))
    SELECT DISTINCT ON (product_id, location_id) product_id, location_id, position, on_hand, worth, since FROM running
    WHERE on_hand < 0 OR worth < 0 OR (on_hand = 0 AND worth <> 0) ORDER BY product_id, location_id, position""",
    sentence="after move {position} there were {on_hand} on hand, worth {worth}",
)
_NEVER_NEGATIVE_ON_ANY_DAY = Rule(
    "erp_inventory",
    counted="SELECT count(DISTINCT (product_id, moved_on)) FROM stock_move",
    broken=f"""
    WITH {_FLOWS}, daily AS (
        SELECT product_id, location_id, moved_on, sum(quantity) AS quantity, sum(value) AS value, max(f.created_at) AS since
        FROM flow f JOIN location p ON p.id = f.location_id WHERE p.usage = 'internal' GROUP BY 1, 2, 3),
    running AS (
        SELECT product_id, location_id, moved_on, since,
            sum(quantity) OVER history AS on_hand, sum(value) OVER history AS worth
        FROM daily WINDOW history AS (PARTITION BY product_id, location_id ORDER BY moved_on))
    SELECT DISTINCT ON (product_id, location_id) product_id, location_id, moved_on, on_hand, worth, since FROM running
    WHERE on_hand < 0 OR worth < 0 OR (on_hand = 0 AND worth <> 0) ORDER BY product_id, location_id, moved_on""",
    sentence="at the end of {moved_on} there were {on_hand} on hand, worth {worth}",
)
_LIMITS = Rule(
    "erp_inventory",
    counted="SELECT count(*) FROM stock_level",
    broken="SELECT product_id, location_id, on_hand, reserved, updated_at AS since FROM stock_level"
    " WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand",
    sentence="on hand {on_hand}, reserved {reserved}",
)


@checks(I23="stock was never negative")
def never_negative(world: World, found: Findings) -> None:
    for rule in (_NEVER_NEGATIVE, _NEVER_NEGATIVE_ON_ANY_DAY, _LIMITS):
        rule.apply(world, found)
