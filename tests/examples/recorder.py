"""Requests and answers of a run as examples of operations, with the ids and times of every run alike."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from gateway.errors import RouteNotFound
from gateway.http.routes import Table
from shared.schema.contract import Operation

MOST = 2
"""Elements of a list that are kept: an example shows the form, not the amount."""

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
_HEX = re.compile("[0-9a-f]{64}")
_FIRST_DAY = date(2026, 3, 31)
_FIRST_INSTANT = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
_KEPT = "01900000-0000-7000-8000-"
"""Ids that are the same everywhere, such as that of the first company."""

_FIXED = {
    "access_token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk…", "refresh_token": "4rZ1vQ…", "password": "a long password",
    "ticket": "eyJhbGciOiJFZERTQSJ9.eyJ0eXAiOiJzdHJlYW0t…",

    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "secret": "lia_prod_4rZ1vQ…", "key_id": "4rZ1vQ2p", "invitation_token": "drawn at random, 32 characters at least",
    "old_password": "a long password", "new_password": "another long password",
    "milliseconds": 3, "position": 1, "next_cursor": "WyJhYmMiLCBbXV0",
}  # fmt: skip
"""Members that differ from run to run, or that are secret, by name."""


PUBLIC_ADDRESS = ".".join("1111")
"""A webhook's address that needs no name server to be known as public; the examples show a name."""


class Recorder:
    """Collects from the hooks of an HTTP client.

    The first success of a command is its example, and the last one of a query: by then everything has settled.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self.found: dict[str, dict[str, Any]] = {}

    def note(self, response: httpx.Response) -> None:
        """An event hook of httpx for responses."""
        response.read()
        request = response.request
        if response.status_code >= 400:
            return
        try:
            route, values = self._table.find(request.method, request.url.raw_path.partition(b"?")[0])
        except RouteNotFound:  # a page beside the API
            return
        name = operation_id(route.operation)
        if name in self.found and request.method != "GET":
            return
        example: dict[str, Any] = {"status": response.status_code}
        if values:
            example["path"] = values
        if request.url.query:
            example["query"] = dict(request.url.params)
        if _is_json(request.headers) and request.content != b"null":
            example["request"] = json.loads(request.content)
        if _is_json(response.headers) and response.content:
            example["response"] = _shortened(response.json())
        self.found[name] = example

    def examples(self) -> dict[str, Any]:
        """Everything that was noted, made alike: operation id → {status, path, query, request, response}."""
        alike = _Alike()
        return {name: alike.value(self.found[name]) for name in sorted(self.found)}


def _is_json(headers: httpx.Headers) -> bool:
    """What is no JSON, a file for instance, is not shown."""
    return "json" in headers.get("content-type", "")


def operation_id(operation: Operation) -> str:
    return operation.id


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(item) for item in value[:MOST]]
    return {name: _shortened(inner) for name, inner in value.items()} if isinstance(value, dict) else value


class _Alike:
    """Replaces what differs between runs by what stands for it, the same for the same."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def value(self, value: Any, name: str = "") -> Any:
        if name in _FIXED and value is not None and not _UUID.fullmatch(str(value)):
            return _FIXED[name]
        if isinstance(value, dict):
            return {key: self.value(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = _UUID.sub(lambda found: self._id(found[0]), text)
        if _INSTANT.fullmatch(text):
            return _FIRST_INSTANT.isoformat().replace("+00:00", "Z")
        text = _HEX.sub("5e" * 32, text).replace(PUBLIC_ADDRESS, "hooks.example")
        return self._day(text)

    def _id(self, known: str) -> str:
        if known.startswith(_KEPT):
            return known
        return self._ids.setdefault(known, f"01a00000-0000-7000-8000-{len(self._ids) + 1:012}")

    def _day(self, text: str) -> str:
        """Days from today on become days from one day on; those of the calendar stay."""
        today = datetime.now(UTC).date()
        for days in (0, 30):
            text = text.replace(str(today + timedelta(days)), str(_FIRST_DAY + timedelta(days)))
        return text
