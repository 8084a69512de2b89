"""`POST /v1/<resource>/import`: a multipart form, whose file goes on to the service in pieces while it arrives.

At no time is more than two pieces of a file in memory. Only here may a body be longer than a megabyte.
"""

import asyncio
import base64
import hashlib
import json
import logging
from typing import Any
from uuid import UUID

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.responses import Response

from gateway.calls.forwarding import Calls, answer, result_of, wire_body
from gateway.calls.rpc import Reply
from gateway.calls.wire import HeaderValue
from gateway.errors import (
    BodyRequired,
    BodyTimeout,
    InvalidForm,
    InvalidParameter,
    TooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)
from gateway.http.incoming import Incoming
from gateway.http.limits import BODY_SECONDS, next_piece
from gateway.http.reading import event_ids, idempotency_key, parse_query
from gateway.http.streaming import Places
from shared.kernel import strict_json
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, Refusal
from shared.schema.contract import Operation
from shared.schema.derived.job_contract import CHUNK_BYTES, LARGEST_FILE

OTHER_BYTES = 256 * 1024
"""What a form may hold beside the file."""

UPLOAD_SECONDS = 600.0
MOST_AT_ONCE = 2
VALUES = ("mapping", "defaults", "match_on", "decimal_sign", "dry_run")

_places = Places(MOST_AT_ONCE)
log = logging.getLogger(__name__)


class Form:
    """A multipart form as it arrives: `file` collects what came of the file and is taken away in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self.values: dict[str, bytearray] = {}
        self.file, self.file_name, self.has_file, self.complete = bytearray(), "", False, False
        self._target: bytearray = bytearray()
        self._field, self._value, self._headers = bytearray(), bytearray(), dict[bytes, bytes]()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header,
                "on_headers_finished": self._part,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Raises InvalidForm, Invalid or TooLarge."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise InvalidForm from None

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name in self.values or (name == "file" and self.has_file):
            raise Invalid.at(f"/{name}", "duplicate")
        if name == "file":
            self.has_file, self._target = True, self.file
            self.file_name = _base_name(options.get(b"filename", b"").decode("utf-8", "replace"))
        elif name in VALUES:
            self._target = self.values[name] = bytearray()
        else:
            raise Invalid.at("/" + name[:100].replace("~", "~0").replace("/", "~1"), "unknown_field")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._target += data[start:end]
        if self._target is not self.file and sum(map(len, self.values.values())) > OTHER_BYTES:
            raise TooLarge(limit=OTHER_BYTES)

    def _end(self) -> None:
        self.complete = True

    def options(self) -> dict[str, Any]:
        """The values beside the file, as the service wants them. Raises Invalid or InvalidJson."""
        members: dict[str, Any] = {}
        for name, raw in self.values.items():
            if not raw:
                continue
            if name in ("mapping", "defaults"):
                members[name] = strict_json.loads(bytes(raw))
            elif name in ("match_on", "decimal_sign"):
                members[name] = raw.decode("utf-8", "replace")
            elif bytes(raw) in (b"true", b"false"):
                members[name] = raw == b"true"
            else:
                raise Invalid.at(f"/{name}", "invalid_type")
        return members


class Importer:
    """The endpoint of an import."""

    def __init__(self, operation: Operation, calls: Calls) -> None:
        self.operation, self._calls = operation, calls

    async def __call__(self, request: Incoming) -> Response:
        query = parse_query(request.scope["query_string"])
        wait_for = query.pop("wait_for", None)
        if query:
            raise InvalidParameter(
                [{"pointer": f"?{name}", "code": "unknown_parameter"} for name in sorted(query)], allowed=["wait_for"]
            )
        headers: dict[str, HeaderValue] = {}
        if wait_for is not None:
            headers["nameko.wait_for"] = event_ids(wait_for)
        if key := idempotency_key(request.field(b"idempotency-key"), self.operation.idempotency):
            headers["nameko.idempotency_key"] = key
        form = Form(_boundary(request))
        assert request.principal is not None
        release = _places.take(request.principal.id)
        if release is None:
            raise TooManyRequests(retry_after=5)
        try:
            return await _Upload(self, request, form).carry_out(headers)
        finally:
            release()

    async def call(self, request: Incoming, name: str, path: dict[str, str], body: Any) -> Reply:
        """Call one of the machinery's operations of the service, to which no event matters."""
        message = wire_body(path, {}, json.dumps(body).encode() if body is not None else b"")
        return await self._calls.call(request, self.operation.service, name, message, caught_up=False)

    async def begin(
        self, request: Incoming, headers: dict[str, HeaderValue], upload_id: UUID, body: dict[str, Any]
    ) -> Reply:
        message = wire_body({}, {"upload_id": str(upload_id)}, json.dumps(body).encode())
        return await self._calls.call(request, self.operation.service, self.operation.name, message, headers)


class _Upload:
    """One form on its way through."""

    def __init__(self, importer: Importer, request: Incoming, form: Form) -> None:
        self.importer, self.request, self.form = importer, request, form
        self.id, self.number, self.size, self.digest = new_id(), 0, 0, hashlib.sha256()

    async def carry_out(self, headers: dict[str, HeaderValue]) -> Response:
        used = False
        try:
            if (reply := await self._receive()) is None:
                reply = await self.importer.begin(self.request, headers, self.id, self._facts())
            used = isinstance(reply.headers.get("liaison.status"), int) and not reply.headers.get("liaison.replayed")
            return answer(self.importer.operation, self.request, reply)
        finally:
            if not used and self.number:
                await self._drop()

    async def _receive(self) -> Reply | None:
        """Take the form in and send the file on; a reply only if the service refused a piece."""
        if not self.request.body_pending:
            raise BodyRequired
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                while self.request.body_pending:
                    async with asyncio.timeout(BODY_SECONDS):
                        message = await next_piece(self.request)
                    self.form.feed(message["body"])
                    while len(self.form.file) >= CHUNK_BYTES:
                        if refusal := await self._send():
                            return refusal
        except TimeoutError:
            raise BodyTimeout from None
        if not self.form.complete:
            raise InvalidForm
        while self.form.file:
            if refusal := await self._send():
                return refusal
        if not self.size:
            raise Invalid.at("/file", "required")
        return None

    async def _send(self) -> Reply | None:
        piece = bytes(self.form.file[:CHUNK_BYTES])
        del self.form.file[:CHUNK_BYTES]
        self.size += len(piece)
        if self.size > LARGEST_FILE:
            raise TooLarge(limit=LARGEST_FILE)
        self.digest.update(piece)
        path = {"id": str(self.id), "number": str(self.number)}
        self.number += 1
        reply = await self.importer.call(
            self.request, "keep_chunk", path, {"content": base64.b64encode(piece).decode()}
        )
        return None if result_of(reply) is not None else reply

    def _facts(self) -> dict[str, Any]:
        file = {"name": self.form.file_name or None, "bytes": self.size, "sha256": self.digest.hexdigest()}
        return {"file": file, **self.form.options()}

    async def _drop(self) -> None:
        """Nobody needs what was sent; what cannot be dropped now is swept up later."""
        try:
            await self.importer.call(self.request, "drop_upload", {"id": str(self.id)}, None)
        except Refusal as refusal:
            log.info("upload not dropped", extra={"error_code": refusal.code, "request_id": self.request.id})


def _boundary(request: Incoming) -> bytes:
    """Raises UnsupportedMediaType, TooLarge."""
    media_type, options = parse_options_header(request.field(b"content-type") or "")
    boundary = options.get(b"boundary", b"")
    coded = request.field(b"content-encoding") not in (None, "identity")
    if media_type != b"multipart/form-data" or not 0 < len(boundary) <= 200 or coded:
        raise UnsupportedMediaType(expected="multipart/form-data")
    if int(request.field(b"content-length") or 0) > LARGEST_FILE + 2 * OTHER_BYTES:
        raise TooLarge(limit=LARGEST_FILE)
    return boundary


def _base_name(name: str) -> str:
    """The name of a file is shown to people and used for nothing else."""
    return "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[:255]
