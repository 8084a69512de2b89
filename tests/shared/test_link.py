"""Connections whose other side is gone without a word."""

import socket
import threading
import time
from urllib.parse import urlsplit, urlunsplit

from kombu import Connection

from deploy.local import servers as local
from shared.messaging.connection import disconnect


class Proxy:
    """Passes bytes both ways until it is told to swallow them."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.swallows = (host, port), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in self.open:
            one.close()

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        server = socket.create_connection(self.target)
        self.open += [client, server]
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.swallows:
                    sink.sendall(data)
        except OSError:
            return


def test_a_silent_broker_does_not_hold_us(pair: local.Servers) -> None:
    """Nothing comes back any more, and the socket lives: hanging up takes no time."""
    parts = urlsplit(pair.amqp_admin_uri)
    proxy = Proxy(parts.hostname or "", parts.port or 0)
    credentials = parts.netloc.rpartition("@")[0]
    uri = urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}"))
    connection = Connection(uri, connect_timeout=5)
    connection.connect()
    connection.channel()
    proxy.swallows = True
    started = time.monotonic()
    disconnect(connection, orderly=False)
    assert time.monotonic() - started < 1
    proxy.close()
