"""The gateway alone, its service twice: whatever the other services would publish, the tests publish in their name."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pika
import pytest

from deploy.local import servers as local
from deploy.local.plan import GATEWAY
from shared import contracts
from shared.contracts import crm_sales as sales
from shared.kernel.ids import new_event_id, new_id
from tests.gateway.events import strangers
from tests.harness import message
from tests.suite import Suite

contracts.events()


class GatewayAlone(Suite):
    """Edge and service of the gateway, with the queues and users of a whole suite on the broker."""

    services = (GATEWAY,)

    def publish(self, *bodies: bytes, key: str = "crm_sales.order.held", user: str = "crm_sales") -> None:
        """As the relay of a service does, confirmed, in this order."""
        connection = pika.BlockingConnection(pika.URLParameters(self.broker_uri(user)))
        channel = connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(content_type="application/cloudevents+json", user_id=user, delivery_mode=2)
        for body in bodies:
            channel.basic_publish("events", key, body, properties, mandatory=True)
        connection.close()

    def kill(self, process: str) -> None:
        self.supervisor.kill(process)

    def stored(self, columns: str = "event_id::text") -> list[Any]:
        return [row[0] for row in self.sql(GATEWAY, f"SELECT {columns} FROM event_store ORDER BY position")]


def held(number: str = "SO-1") -> tuple[str, bytes]:
    """Id and message of an order that waits for a person."""
    event = sales.OrderHeld(order_id=new_id(), number=number, reason="credit_limit_exceeded")
    event_id: UUID = new_event_id(event.full_type)
    return str(event_id), message(event, event_id)


@pytest.fixture(scope="session")
def alone(pair: local.Servers, own_root: Path) -> Iterator[GatewayAlone]:
    started = GatewayAlone(pair, own_root / "gateway-alone", "gateway_alone", replicas=2).start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with npm packages, for programs in another language."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    return strangers.install(tmp_path_factory.mktemp("strangers"))
