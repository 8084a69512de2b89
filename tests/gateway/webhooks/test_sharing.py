"""Deliveries of several owners at once."""

import threading
import time
from typing import Any

from tests.gateway.webhooks.conftest import Desk, held
from tests.gateway.webhooks.receiver import receiving
from tests.gateway.webhooks.test_delivering import Make, until


def test_the_places_are_shared_among_owners(desk: Desk, worker: Make) -> None:
    """A8: one owner's slow receivers, deliveries and tests leave a place to another; whose turn is next is fair."""
    done = threading.Event()

    def wait(*_: Any) -> tuple[int, dict[str, str], bytes]:
        done.wait(10)
        return 200, {}, b""

    with receiving(wait) as sleepy, receiving() as quick:
        slow = [desk.webhook(f"{sleepy.url}/{n}") for n in range(12)]
        other = desk.webhook(quick.url, role="accountant")
        for webhook in slow[:5]:
            desk.call("test_webhook", id=webhook["id"])
        desk.happens(*(held() for _ in range(3)))
        worker(concurrency=4, limit=15.0).start()
        until(lambda: len(quick.got) == len(desk.deliveries(other)) == 3, 5)
        time.sleep(0.2)
        assert len(sleepy.got) == 3
        desk.call("test_webhook", "accountant", id=other["id"])
        until(lambda: len(quick.got) == 4, 5)
        done.set()
        until(lambda: len(sleepy.got) == 12 * 3 + 5)
