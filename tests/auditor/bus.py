"""All services in one process: what one publishes, the others take, byte for byte, until nothing is under way."""

from typing import Any

from sqlalchemy import text

from deploy.local.provision import DatabaseUrls
from shared import contracts
from shared.api.handlers import service_class
from tests.conftest import Databases
from tests.harness import Harness

_UNSENT = text(
    "UPDATE outbox SET state = 'published', published_at = now() WHERE state = 'new' RETURNING id, type, envelope"
)
_RETRYING = text("SELECT count(*) FROM inbox WHERE state = 'retry'")


class Bus:
    """The four services on fresh databases."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.urls: dict[str, DatabaseUrls] = {name: databases.fresh(name) for name in contracts.SERVICES}
        self.services = {name: Harness(service_class(name), urls.application) for name, urls in self.urls.items()}

    @property
    def bindings(self) -> dict[str, dict[str, list[str]]]:
        """What `python -m shared.ops.operator bindings` prints."""
        return {
            name: {handler.name: [e.full_type for e in handler.events] for handler in harness.consumers.values()}
            for name, harness in self.services.items()
        }

    def call(self, service: str, operation: str, **given: Any) -> Any:
        """Carry out an operation and let everything that follows from it happen."""
        answer = self.services[service].call(operation, **given)
        self.settle()
        return answer

    def settle(self) -> None:
        """Deliver until nothing is left to send or to try again."""
        for _ in range(50):
            moved = sum([self._relay(harness) for harness in self.services.values()])
            waiting = sum([self._retry(harness) for harness in self.services.values()])
            if not moved + waiting:
                return
        raise AssertionError("the services did not come to rest")

    def _relay(self, producer: Harness) -> int:
        with producer.session() as session:
            rows = sorted(session.execute(_UNSENT).all())
            session.commit()
        for _, type_, envelope in rows:
            event = contracts.events()[type_]
            for consumer in self.services.values():
                for handler in consumer.consumers.values():
                    if event in handler.events:
                        consumer.inbox.deliver(handler, envelope.encode(), producer.name)
        return len(rows)

    def _retry(self, harness: Harness) -> int:
        with harness.session() as session:
            waiting = session.execute(_RETRYING).scalar_one()
        return harness.retry() if waiting else 0

    def close(self) -> None:
        for name, harness in self.services.items():
            harness.close()
            self.databases.drop(self.urls[name])
