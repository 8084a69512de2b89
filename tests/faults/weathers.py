"""Rows 20 and 21: everything twice, everything out of order."""

import time

from tests.faults.client import Client
from tests.faults.gates import Trial, gate
from tests.faults.workload import BOOKS, CONTACTS, SALES, STOCK, Workload


@gate(20, "every message delivered twice")
def twice(trial: Trial) -> None:
    rig = trial.rig
    rig.restart_with(rig.processes(), LIAISON_WEATHER=f"duplicate:{rig.seed}")
    work = trial.work()
    with work.running(clients=3):
        time.sleep(trial.lasting(30, 6))
    rig.suite.quiesce(timeout=120)
    # The store of all events keeps no inbox: it knows duplicates by their ids, and its metric counts them as done.
    handlers = [process for service in (CONTACTS, SALES, STOCK, BOOKS) for process in rig.processes(service)]
    ignored = rig.metric("bus_consumed_total", handlers, 'result="duplicate"')
    handled = rig.metric("bus_consumed_total", handlers, 'result="done"')
    trial.result.figures |= {"handled": handled, "duplicates_ignored": ignored}
    trial.result.expect(ignored > 0.5 * handled, "the weather did not strike")


@gate(21, "messages delivered out of order")
def shuffled(trial: Trial) -> None:
    """Replicas end up equal to what they copy, although the newest news may come first."""
    rig = trial.rig
    rig.restart_with(rig.processes(), LIAISON_WEATHER=f"shuffle:{rig.seed}")
    work = trial.work()
    client = work.client()
    with work.running(clients=2):
        for number in range(8 if trial.short else 40):
            _rename(client, work, number)
            time.sleep(trial.lasting(0.5, 0.2))
    client.close()
    rig.suite.quiesce(timeout=120)
    _compare(trial, "products", (STOCK, "SELECT id, name FROM product"), (SALES, "SELECT id, name FROM product"))
    for service in (SALES, BOOKS):
        _compare(trial, "customers", (CONTACTS, _NAMES), (service, "SELECT id, name FROM customer"))
    trial.result.figures["skipped_as_older"] = rig.metric("bus_consumed_total", None, 'result="skipped"')


_NAMES = "SELECT id, coalesce(name, first_name || ' ' || last_name) FROM contact"


def _rename(client: Client, work: Workload, number: int) -> None:
    """A new name for a product and for the customer, on top of the present version."""
    for path in (f"/v1/products/{work.products[number % 3]}", f"/v1/contacts/{work.customer}"):
        version = client.once("GET", path).json["version"]
        headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
        answer = client.once("PATCH", path, {"name": f"name {number}"}, headers=headers)
        assert answer.status == 200, answer.body


def _compare(trial: Trial, what: str, source: tuple[str, str], copy: tuple[str, str]) -> None:
    original, copied = dict(trial.rig.sql(*source)), dict(trial.rig.sql(*copy))
    different = {k: (v, copied.get(k)) for k, v in original.items() if copied.get(k) != v}
    trial.result.expect(not different, f"{what} in {copy[0]} differ: {list(different.items())[:2]}")
