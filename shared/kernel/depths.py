"""What waits in queues and who is connected, asked over AMQP: it needs neither rights nor the broker's statistics."""

import amqp
from kombu import Connection


def depths(uri: str, queues: list[str]) -> dict[str, tuple[int, int]]:
    """(messages ready, consumers) of every queue that exists. Raises OSError or amqp errors when the broker is away."""
    found = {}
    with Connection(uri, connect_timeout=5) as connection:
        channel = connection.channel()
        for queue in queues:
            try:
                _, messages, consumers = channel.queue_declare(queue, passive=True)
            except amqp.exceptions.NotFound:  # which closes the channel
                channel = connection.channel()
                continue
            found[queue] = (messages, consumers)
    return found
