"""AMQP 0-9-1 as far as the gateway needs it: one connection, one channel, one reply queue, mandatory publishing.

The general clients for asyncio give a returned message only to callers that wait for a publisher confirm, and run
several tasks per message. Here a call costs one write and a reply a few function calls. The grammar of frames and
methods is pamqp's; only the two hot frames (publish, and the header of a message) are put together by hand.
"""

import asyncio
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pamqp import commands, frame, header
from pamqp.base import Frame
from pamqp.heartbeat import Heartbeat

from shared.messaging.queues import ALL_EDGES

HEARTBEAT = 15
CHANNEL = 1
LOOKING = 2
"""The channel on which queues are looked at: the broker closes it for a queue that is not there."""

EXCHANGE = "nameko-rpc"
WRITE_BUFFER_BYTES = 16 * 1024 * 1024

_HEAD = struct.Struct(">BHI")
_LONG = struct.Struct(">q")
_SIZE = struct.Struct(">I")
_CONTENT = struct.Struct(">HHQH")
_DELIVER, _RETURN = struct.pack(">HH", 60, 60), struct.pack(">HH", 60, 50)
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_TO_ALL = bytes((len(ALL_EDGES),)) + ALL_EDGES.encode() + _END
"""How the frame of a delivery ends whose routing key, its last argument, is that of all edges."""
# content type, content encoding, headers, delivery mode, correlation id, reply to, expiration (AMQP 0-9-1, 4.2.6.1)
_FLAGS = 1 << 15 | 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10 | 1 << 9 | 1 << 8
_JSON = b"\x10application/json\x05utf-8"

HeaderValue = str | int | list[str]


class Lost(Exception):
    """The connection is gone; the text is for the log."""


@dataclass(slots=True)
class Message:
    """What came: a reply, a request of ours that no queue took, or what an edge tells all."""

    returned: bool
    to_all: bool = False
    correlation_id: str = ""
    headers: dict[str, Any] | None = None
    size: int = 0
    body: bytes = b""
    user: str = ""
    """The account that published it: the broker refuses another than that of the connection."""


class Link(asyncio.Protocol):
    """One connection. `lost` is done when it is gone; `blocked` while the broker takes nothing."""

    def __init__(self, uri: str, queue: str, routing_key: str, on_message: Callable[[Message], None]) -> None:
        self._uri, self._queue, self._key, self._on_message = urlsplit(uri), queue, routing_key, on_message
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.blocked = False
        self._buffer = b""
        self._answer: asyncio.Future[Frame] | None = None
        self._message: Message | None = None
        self._frame_max = 131_072
        self._heard = self._loop.time()
        self._beat: asyncio.TimerHandle | None = None
        self._publish_frames: dict[str, bytes] = {}
        self._looks = False

    # -- opening and closing ----------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, make the reply queue and consume it. Raises OSError or Lost."""
        uri, tls = self._uri, ssl.create_default_context() if self._uri.scheme == "amqps" else None
        port = uri.port or (5671 if uri.scheme == "amqps" else 5672)
        await self._loop.create_connection(lambda: self, uri.hostname or "localhost", port, ssl=tls)
        await self._sign_on()
        await self._ask(commands.Channel.Open())
        await self._ask(commands.Queue.Declare(queue=self._queue, exclusive=True, auto_delete=True))
        for key in (self._key, ALL_EDGES):
            await self._ask(commands.Queue.Bind(queue=self._queue, exchange=EXCHANGE, routing_key=key))
        await self._ask(commands.Basic.Consume(queue=self._queue, no_ack=True, exclusive=True))
        self._beat = self._loop.call_later(HEARTBEAT / 2, self._heartbeat)

    async def _sign_on(self) -> None:
        await self._ask(None)  # Connection.Start answers the protocol header
        secret = "\0" + unquote(self._uri.username or "guest") + "\0" + unquote(self._uri.password or "guest")
        tune = await self._ask(
            commands.Connection.StartOk(
                client_properties={
                    "product": "liaison gateway",
                    "connection_name": "gateway",
                    "capabilities": {"connection.blocked": True, "consumer_cancel_notify": True},
                },
                mechanism="PLAIN",
                response=secret,
            ),
            0,
        )
        if not isinstance(tune, commands.Connection.Tune):
            raise Lost(f"unexpected answer {tune.name}")
        self._frame_max = min(tune.frame_max or 131_072, 131_072)
        self._send(commands.Connection.TuneOk(channel_max=LOOKING, frame_max=self._frame_max, heartbeat=HEARTBEAT), 0)
        vhost = unquote(self._uri.path[1:]) or "/"
        await self._ask(commands.Connection.Open(virtual_host=vhost), 0)

    async def look(self, queue: str) -> tuple[int, int]:
        """How many messages wait in a queue, and how many consumers it has. Raises Lost. One caller at a time."""
        if not self._looks:
            await self._ask(commands.Channel.Open(), LOOKING)
            self._looks = True
        # While the broker is short of memory it may leave this unanswered, which is no reason to disconnect.
        found = await self._ask(commands.Queue.Declare(queue=queue, passive=True), LOOKING, seconds=None)
        if not isinstance(found, commands.Queue.DeclareOk):
            return 0, 0
        return found.message_count or 0, found.consumer_count or 0

    def close(self) -> None:
        """Say goodbye; whatever is still under way is lost."""
        if not self.lost.done():
            self._send(commands.Connection.Close(reply_code=200, reply_text="", class_id=0, method_id=0), 0)
            self._fail("closed by us")

    # -- asyncio ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._answer = self._loop.create_future()
        transport.write(b"AMQP\x00\x00\x09\x01")

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(str(exc) if exc else "closed by the broker")

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        buffer = self._buffer + data if self._buffer else data
        at, end = 0, len(buffer)
        while end - at >= 8:
            kind, _, size = _HEAD.unpack_from(buffer, at)
            after = at + 8 + size
            if after > end:
                break
            self._frame(kind, buffer[at:after])
            at = after
        self._buffer = buffer[at:]

    # -- frames that come -------------------------------------------------------------------------------------------

    def _frame(self, kind: int, raw: bytes) -> None:
        if kind == _METHOD and raw[7:11] in (_DELIVER, _RETURN):
            self._message = Message(returned=raw[7:11] == _RETURN, to_all=raw.endswith(_TO_ALL))
        elif kind == _HEADER and self._message:
            content = header.ContentHeader()
            content.unmarshal(raw[7:-1])
            message, properties = self._message, content.properties
            message.correlation_id, message.headers = properties.correlation_id or "", properties.headers
            message.size, message.user = content.body_size, properties.user_id or ""
            self._complete(b"")
        elif kind == _BODY:
            self._complete(raw[7:-1])
        elif kind == _METHOD:
            self._method(*frame.unmarshal(raw)[1:])

    def _complete(self, part: bytes) -> None:
        message = self._message
        if message is None:
            return
        message.body = message.body + part if message.body else part
        if len(message.body) >= message.size:
            self._message = None
            self._on_message(message)

    def _method(self, channel: int, method: Any) -> None:
        match method:
            case commands.Channel.Close() if channel == LOOKING:
                self._looks = False
                self._send(commands.Channel.CloseOk(), LOOKING)
                self._resolve(method)
            case commands.Connection.Blocked():
                self.blocked = True
            case commands.Connection.Unblocked():
                self.blocked = False
            case commands.Connection.Close():
                self._send(commands.Connection.CloseOk(), 0)
                self._fail(f"{method.reply_code} {method.reply_text}")
            case commands.Channel.Close():
                self._fail(f"{method.reply_code} {method.reply_text}")
            case commands.Basic.Cancel():
                self._fail("the reply queue is gone")
            case commands.Connection.CloseOk():
                self._transport.close()
            case Frame():
                self._resolve(method)

    def _resolve(self, method: Frame) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(method)

    # -- frames that go ---------------------------------------------------------------------------------------------

    def publish(
        self,
        routing_key: str,
        body: bytes,
        headers: dict[str, HeaderValue],
        correlation_id: str,
        reply_to: str,
        expiration: int,
    ) -> None:
        """Send one mandatory, transient message to the RPC exchange. `expiration` in milliseconds."""
        properties = b"".join(
            (_JSON, table(headers), b"\x01", _short(correlation_id), _short(reply_to), _short(str(expiration)))
        )
        content = _CONTENT.pack(60, 0, len(body), _FLAGS) + properties
        parts = [self._publish_frame(routing_key), _frame_bytes(_HEADER, content)]
        step = self._frame_max - 8
        parts += [_frame_bytes(_BODY, body[at : at + step]) for at in range(0, len(body), step)]
        self._transport.write(b"".join(parts))

    def _publish_frame(self, routing_key: str) -> bytes:
        known = self._publish_frames.get(routing_key)
        if known is None:
            publish = commands.Basic.Publish(exchange=EXCHANGE, routing_key=routing_key, mandatory=True)
            known = self._publish_frames[routing_key] = frame.marshal(publish, CHANNEL)
        return known

    async def _ask(self, method: Frame | None, channel: int = CHANNEL, seconds: float | None = 10) -> Frame:
        """Send a method and wait for what answers it. One is asked at a time, so answers come in order."""
        if method is not None:
            self._answer = self._loop.create_future()
            self._send(method, channel)
        assert self._answer is not None
        await asyncio.wait((self._answer, self.lost), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():
            self._fail("no answer from the broker")
            raise Lost(self.lost.result())
        return self._answer.result()

    def _send(self, method: Frame, channel: int = CHANNEL) -> None:
        self._transport.write(frame.marshal(method, channel))

    def _heartbeat(self) -> None:
        if self._loop.time() - self._heard > 2 * HEARTBEAT:
            self._fail("no heartbeat from the broker")
            return
        self._transport.write(Heartbeat().marshal())
        self._beat = self._loop.call_later(HEARTBEAT / 2, self._heartbeat)

    def _fail(self, reason: str) -> None:
        if self._beat:
            self._beat.cancel()
        if not self.lost.done():
            self.lost.set_result(reason)
        transport = getattr(self, "_transport", None)
        if transport is not None:
            transport.close()


def table(headers: dict[str, HeaderValue]) -> bytes:
    """A field table of strings, 64-bit integers and lists of strings."""
    content = b"".join(_short(name) + _value(value) for name, value in headers.items())
    return _SIZE.pack(len(content)) + content


def _value(value: HeaderValue) -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return b"S" + _SIZE.pack(len(raw)) + raw
    if isinstance(value, int):
        return b"l" + _LONG.pack(value)
    items = b"".join(_value(item) for item in value)
    return b"A" + _SIZE.pack(len(items)) + items


def _short(text: str) -> bytes:
    raw = text.encode()
    return bytes((len(raw),)) + raw


def _frame_bytes(kind: int, payload: bytes) -> bytes:
    return _HEAD.pack(kind, CHANNEL, len(payload)) + payload + _END
