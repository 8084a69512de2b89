"""The steps of a process, declared with the contract of the resource that goes through it.

    ORDER_STEPS = Steps(
        "order",
        "/v1/orders",
        placed=Step(),
        credit=Step("erp_finance.credit.approved", undone_by="erp_finance.credit.released", within=timedelta(minutes=5)),
        delivery=Step("erp_inventory.delivery.shipped", after="credit"),
    )

From it follow the operations that show and resume the process (`derived/process_contract.py`), and the machinery of
`shared/process`: records of steps, deadlines, lateness, trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

STATUSES = ("pending", "done", "failed", "compensated")

CANCELLED = "cancelled"
"""The reason of a step that will not happen, because the process was cancelled."""


@dataclass(frozen=True, slots=True)
class StepStatus:
    """Where a step stands. `waits_for` is the event, the verb or the earlier step that it waits for."""

    name: str
    status: str
    waits_for: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Step:
    """A step as declared.

    `waits_for` is the type of the event that ends it, `after` the step that it waits for before it begins. `within` is
    how long the other service may take; a step that waits for people has no deadline. `undone_by` is the type of the
    event that confirms its compensation, once the process is cancelled.
    """

    waits_for: str = ""
    after: str = ""
    within: timedelta | None = None
    undone_by: str = ""
    name: str = ""

    def at(
        self,
        *,
        done: bool = False,
        begun: bool = True,
        cancelled: bool = False,
        compensated: bool = False,
        reason: str | None = None,
        after: str = "",
    ) -> StepStatus:
        """Where it stands by the facts. `cancelled` is said of the whole process, the rest of this step.

        On a cancellation, what others have to undo waits until they confirm it; what is done and needs no undoing stays
        done; the rest has failed. `after` is what it waits for this time, where that is not always the same step.
        """
        if compensated:
            return StepStatus(self.name, "compensated", reason=reason)
        if cancelled and self.undone_by:
            return StepStatus(self.name, "pending", self.undone_by)
        if done:
            return StepStatus(self.name, "done", reason=reason)
        if cancelled:
            return self.failed(CANCELLED)
        if begun and self.waits_for:
            return StepStatus(self.name, "pending", self.waits_for, reason)
        return StepStatus(self.name, "pending", after or self.after or None)

    def failed(self, reason: str | None, waits_for: str | None = None) -> StepStatus:
        """It failed, for good or until somebody does what it waits for."""
        return StepStatus(self.name, "failed", waits_for, reason)

    def deadline(self, status: StepStatus, now: datetime) -> datetime | None:
        """Until when another service should have answered, counted from now; none where it is known why it waits."""
        waits = status.status == "pending" and status.waits_for in (self.waits_for, self.undone_by)
        return now + self.within if self.within and waits and status.reason is None else None


PROCESSES: dict[str, "Steps"] = {}
"""Every declared process by the path of its resource."""


class Steps:
    """All steps of a process in the order in which they usually happen.

    `one` is the word for the aggregate: its rows are in `<one>_step` and `<one>_trace`, by `<one>_id`.
    """

    def __init__(self, one: str, path: str, **steps: Step) -> None:
        self.one, self.path, self._steps = one, path, steps
        for name, step in steps.items():
            step.name = name
            if wrong := [f for f in (step.waits_for, step.undone_by) if f and f.count(".") != 2]:
                raise TypeError(f"{path}: step {name} waits for {wrong[0]!r}, which is no type of an event")
            if step.within and not step.waits_for:
                raise TypeError(f"{path}: step {name} has a deadline and waits for no event")
        if path in PROCESSES:
            raise TypeError(f"the process of {path} is declared twice")
        PROCESSES[path] = self

    def __getitem__(self, name: str) -> Step:
        return self._steps[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def events(self) -> set[str]:
        """The types of the events that its steps wait for."""
        return {e for step in self._steps.values() for e in (step.waits_for, step.undone_by) if e}
