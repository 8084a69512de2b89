"""The invariants by name, and the run that checks them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue

from deploy.auditor import (  # noqa: F401  (importing a module registers its checks)
    billing,
    causes,
    chain,
    commands,
    credit,
    ledger,
    messages,
    numbers,
    process,
    reservations,
    sequences,
    settlement,
    stock,
)
from deploy.auditor.databases import Databases
from deploy.auditor.findings import CHECKS, Check, Findings, World

TITLES = {
    "I1": "every published event reached every consumer, once",
    "I2": "nothing was taken that nobody published",
    "I3": "events are numbered without gap, copies are up to date",
    "I4": "nothing waits to be sent, nothing is parked",
    "I5": "what arrived is what was sent, byte by byte",
    "I6": "every event has a cause and carries its correlation",
    "I7": "clients were told what happened",
    "I8": "a repeated request makes nothing twice",
    "I9": "every placed order has one answer of the warehouse",
    "I10": "confirmed orders have their goods, cancelled ones have none",
    "I11": "shipped ≤ reserved ≤ ordered",
    "I12": "every shipment has one invoice, at the agreed prices",
    "I13": "cancelled orders cost nothing, credit notes stay within their invoice",
    "I14": "payments settle what they say",
    "I15": "sales and the books agree on every order",
    "I16": "orders end completed or undone, in time",
    "I18": "exposure is right, limits are kept or approved by another person",
    "I22": "stock is the sum of its moves, and all locations sum to zero",
    "I23": "stock was never negative",
    "I24": "every reservation has its open demand",
    "I29": "every entry and every period balances",
    "I30": "every fact is posted exactly once",
    "I31": "the ledger was never rewritten",
    "I32": "closed periods stay closed, control accounts equal their details",
    "I33": "legal numbers are unique, chronological, without gap",
}


def run(
    world: World, only: Iterable[str] = (), grace: timedelta = timedelta(0), lanes: Sequence[Databases] = ()
) -> dict[str, Findings]:
    """Check the invariants (all, or only some) and return their findings in the order of `TITLES`.

    With several `lanes`, one check computes while another waits for its database.
    """
    wanted = set(only) or set(TITLES)
    results = {name: Findings(name, world.databases.read_at, grace) for name in TITLES}
    free: SimpleQueue[Databases] = SimpleQueue()
    for lane in lanes or (world.databases,):
        free.put(lane)

    def carry_out(invariants: tuple[str, ...], check: Check) -> None:
        databases = free.get()
        try:
            check(replace(world, databases=databases), *(results[name] for name in invariants))
        finally:
            free.put(databases)

    with ThreadPoolExecutor(max(1, len(lanes))) as pool:
        started = [pool.submit(carry_out, *each) for each in CHECKS if wanted.intersection(each[0])]
        for one in started:
            one.result()
    return {name: results[name] for name in TITLES if name in wanted}
