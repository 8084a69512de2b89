"""A plain AMQP client that speaks Nameko's RPC: what a call costs that does not pass the edge."""

import time
from uuid import uuid4

import amqp
from kombu import Connection

SECONDS = 10


class Caller:
    """One connection with a reply queue of its own; one call at a time. `statement` says who calls."""

    def __init__(self, uri: str, statement: str) -> None:
        self._connection, self._statement = Connection(uri), statement
        self._channel = self._connection.channel()
        self._key = str(uuid4())
        queue = f"rpc.reply-gateway-{self._key}"
        self._channel.queue_declare(queue, exclusive=True, auto_delete=True)
        self._channel.queue_bind(queue, "nameko-rpc", self._key)
        self._channel.basic_consume(queue, no_ack=True, callback=self._take)
        self._calls = 0
        self._answer: tuple[str, bytes] = ("", b"")

    def call(self, operation: str, body: bytes) -> bytes:
        """The reply to a call of `service.operation`. Raises OSError when none comes in time."""
        self._calls += 1
        call_id = f"{self._key}.{self._calls}"
        headers = {
            "nameko.caller": self._statement,
            "nameko.call_id_stack": [f"bench.{call_id}"],
            "nameko.deadline": int((time.time() + SECONDS) * 1000),
        }
        message = amqp.Message(
            body, content_type="application/json", content_encoding="utf-8", reply_to=self._key,
            correlation_id=call_id, application_headers=headers, expiration=str(SECONDS * 1000),
        )  # fmt: skip
        self._channel._basic_publish(message, exchange="nameko-rpc", routing_key=operation)
        while self._answer[0] != call_id:
            self._connection.drain_events(timeout=SECONDS)
        return self._answer[1]

    def _take(self, message: amqp.Message) -> None:
        body = message.body
        self._answer = str(message.properties.get("correlation_id")), body if isinstance(body, bytes) else body.encode()
