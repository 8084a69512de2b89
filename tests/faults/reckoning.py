"""What a gate cost: lost, doubled and unbalanced, counted from the databases without the services' code."""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.rig import Rig
from tests.faults.workload import BOOKS, CONTACTS, SALES, STOCK, Workload

_FINDS = {
    (CONTACTS, "create_contact"): "SELECT id::text FROM contact",
    (STOCK, "create_product"): "SELECT id::text FROM product",
    (STOCK, "create_stock_adjustment"): "SELECT id::text FROM stock_adjustment",
    (STOCK, "ship_delivery"): "SELECT id::text FROM delivery WHERE status = 'shipped'",
    (SALES, "create_order"): "SELECT id::text FROM sales_order",
    (SALES, "place_order"): "SELECT id::text FROM sales_order WHERE status <> 'draft'",
    (SALES, "cancel_order"): "SELECT id::text FROM sales_order WHERE status = 'cancelled'",
    (BOOKS, "create_payment"): "SELECT id::text FROM payment",
    (BOOKS, "post_payment"): "SELECT id::text FROM payment WHERE status = 'posted'",
}
"""Where the effect of an accepted command shows: the ids for which it took place."""

_DOUBLES = {
    "one command, several audit rows": (
        None,
        "SELECT action || ' ' || object_id FROM audit WHERE object_id IS NOT NULL"
        " AND action !~ '(patch|change|update|allocate|parked|[.](import|undo)_|:)'"  # a job has one row for each batch
        " GROUP BY action, object_id HAVING count(*) > 1",
    ),
    "one fact, several entries": (
        BOOKS,
        "SELECT source_type || ' ' || source_id FROM journal_entry WHERE source_id IS NOT NULL AND state = 'posted'"
        " GROUP BY source_type, source_id HAVING count(*) > 1",
    ),
    "one delivery, several invoices": (
        BOOKS,
        "SELECT delivery_id::text FROM invoice WHERE delivery_id IS NOT NULL AND kind = 'invoice'"
        " GROUP BY delivery_id HAVING count(*) > 1",
    ),
    "one delivery line, several moves": (
        STOCK,
        "SELECT document_line_id::text FROM stock_move GROUP BY document_type, document_line_id HAVING count(*) > 1",
    ),
    "one order line delivered twice": (
        SALES,
        "SELECT id::text FROM order_line WHERE delivered_quantity > quantity OR invoiced_quantity > quantity",
    ),
}
_FOUND = re.compile(r"I\d+ +[^\d\s]")
"""A line of the auditor's report that names a violation; lines of its table go on with a number."""

_UNBALANCED = (
    "SELECT entry_id::text FROM journal_line GROUP BY entry_id HAVING sum(debit) <> sum(credit)"
    " UNION ALL SELECT 'trial balance' FROM account_balance HAVING sum(debit) <> sum(credit)"
)


@dataclass
class Result:
    """What one gate printed. `recovery`: seconds from the end of a fault until all accept again and all is at rest."""

    gate: int
    title: str
    seed: int
    attempts: int = 0
    accepted: int = 0
    flows: int = 0
    lost: int = 0
    doubled: int = 0
    unbalanced: int = 0
    parked: int = 0
    killed: int = 0
    recovery: float = 0.0
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def expect(self, holds: object, sentence: str) -> None:
        """Note a violation unless it holds."""
        if not holds:
            self.violations.append(sentence)

    @property
    def line(self) -> str:
        figures = "  ".join(f"{name}={_short(value)}" for name, value in self.figures.items())
        verdict = "FAIL" if self.violations else "ok"
        return (
            f"{self.gate:>3}  {verdict:<4} attempts={self.attempts} accepted={self.accepted} flows={self.flows}"
            f" lost={self.lost} doubled={self.doubled} unbalanced={self.unbalanced} parked={self.parked}"
            f" killed={self.killed} recovery={self.recovery:.1f}s took={self.seconds:.0f}s  {self.title}"
            + (f"  [{figures}]" if figures else "")
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def reckon(rig: Rig, result: Result, work: Workload) -> None:
    """Compare what clients were told with what the databases hold."""
    work.history.close()
    result.attempts += work.history.attempts
    result.accepted += work.history.accepted
    result.flows += sum(bool(flow.ends) for flow in work.flows)
    stuck = [flow.failure for flow in work.flows if flow.failure]
    result.expect(not stuck, f"{len(stuck)} flows did not come to their end, e.g. {stuck[:2]}")
    _count_lost(rig, result, work)
    wrong = _wrong_ends(rig, work)
    result.lost += len(wrong)
    result.expect(not wrong, f"{len(wrong)} orders do not read as they must: {wrong[:3]}")


def _count_lost(rig: Rig, result: Result, work: Workload) -> None:
    told: dict[tuple[str, str], set[str]] = {}
    if work.history.path.exists():
        for text in work.history.path.read_text().splitlines():
            line = json.loads(text)
            if line["outcome"] == "ok":
                told.setdefault((line["service"], line["op"]), set()).add(line["id"])
    for (service, op), ids in told.items():
        if find := _FINDS.get((service, op)):
            missing = ids - {row[0] for row in rig.sql(service, find)}
            result.lost += len(missing)
            result.expect(not missing, f"{op}: accepted and not there: {sorted(missing)[:3]}")


def _wrong_ends(rig: Rig, work: Workload) -> list[str]:
    status = dict(rig.sql(SALES, "SELECT id::text, status FROM sales_order"))
    return [
        f"{flow.order} is {status.get(flow.order)} instead of {flow.ends}"
        for flow in work.flows
        if flow.ends and status.get(flow.order) != flow.ends
    ]


def count_doubled(rig: Rig, result: Result) -> None:
    """Effects that exist more than once, over the whole history of the databases."""
    for what, (service, statement) in _DOUBLES.items():
        for one in [service] if service else [SALES, STOCK, BOOKS, CONTACTS]:
            found = [row[0] for row in rig.sql(one, statement)]
            result.doubled += len(found)
            result.expect(not found, f"{what} in {one}: {found[:3]}")
    unbalanced = [row[0] for row in rig.sql(BOOKS, _UNBALANCED)]
    result.unbalanced += len(unbalanced)
    result.expect(not unbalanced, f"not balanced: {unbalanced[:3]}")


def count_parked(rig: Rig) -> int:
    return sum(
        int(rig.sql(s, "SELECT count(*) FROM inbox WHERE state = 'parked'")[0][0])
        for s in (SALES, STOCK, BOOKS, CONTACTS)
    )


def audit(rig: Rig, result: Result, histories: list[Path]) -> None:
    """The auditor's verdict, with what clients were told."""
    together = rig.root / "history.jsonl"
    together.write_text("".join(path.read_text() for path in histories if path.exists()))
    try:
        rig.suite.audit("--history", str(together))
    except AssertionError as error:
        found = [line for line in str(error).splitlines() if _FOUND.match(line)]
        result.violations += [f"audit: {line}" for line in found[:5] or [str(error)[-500:]]]
