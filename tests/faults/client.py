"""An HTTP client that never gives up on an unknown outcome: it asks again with the same key, as an honest client must."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

PATIENCE = 90.0
"""Seconds after which a client stops asking and the flow counts as stuck."""


class GaveUp(Exception):
    """No definite answer within the patience."""


class Refused(Exception):
    """A definite no."""


@dataclass(slots=True)
class Answer:
    """One HTTP response; status 0 means that none came."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def code(self) -> str:
        try:
            return str(self.json.get("code"))
        except (ValueError, AttributeError):
            return ""


@dataclass
class History:
    """What clients did and were told, in the form that the auditor reads."""

    path: Path
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    attempts: int = 0
    accepted: int = 0
    without_retry_after: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _file: IO[str] | None = None

    def attempt(self, service: str, op: str, key: str, request_id: str, id_: str | None, answer: Answer) -> str:
        """Note one request; returns its outcome: ok, refused or unknown."""
        outcome = "ok" if 200 <= answer.status < 300 else "refused" if 400 <= answer.status < 500 else "unknown"
        line = {
            "service": service, "op": op, "key": key, "request_id": request_id, "id": id_,
            "outcome": outcome, "status": answer.status or None,
        }  # fmt: skip
        with self._lock:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            self.attempts += 1
            self.accepted += outcome == "ok"
            self._observe(answer)
        return outcome

    def observe(self, answer: Answer) -> None:
        """Note a query: its status and time count, its effect cannot be lost."""
        with self._lock:
            self._observe(answer)

    def _observe(self, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        self.seconds.append(answer.seconds)
        if answer.status >= 500:
            self.codes[answer.code] += 1
        if answer.status == 503 and "retry-after" not in answer.headers:
            self.without_retry_after += 1

    def slowest(self, share: float = 0.99) -> float:
        """The given quantile of all answer times, in seconds."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


class Client:
    """One connection of one signed-in user."""

    def __init__(self, base_url: str, token: str, history: History, seed: int = 0, timeout: float = 15) -> None:
        self.place, self.token, self.history, self.timeout = urlsplit(base_url), token, history, timeout
        self.random = random.Random(seed)
        self.stopped = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def once(
        self, method: str, path: str, body: Any = None, raw: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request, whatever comes back; status 0 when the connection failed or nothing came in time."""
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        payload = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if payload is not None:
            given.setdefault("Content-Type", "application/json")
        started = time.monotonic()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    self.place.hostname or "", self.place.port, timeout=self.timeout
                )
            self._connection.request(method, path, payload, given)
            response = self._connection.getresponse()
            content = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            if found.get("connection", "").lower() == "close":
                self.close()
            return Answer(response.status, found, content, time.monotonic() - started)
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0, {}, b"", time.monotonic() - started)

    def write(
        self, service: str, op: str, path: str, body: Any = None, *, id: str | None = None, key: str | None = None
    ) -> Answer:
        """POST until there is a definite answer, always with the same key. Raises Refused or GaveUp."""
        key = key or str(uuid4())
        deadline, pause = time.monotonic() + PATIENCE, 0.1
        while True:
            request_id = str(uuid4())
            answer = self.once("POST", path, body, headers={"Idempotency-Key": key, "X-Request-Id": request_id})
            outcome = self.history.attempt(service, op, key, request_id, id or _id_of(answer), answer)
            if outcome == "ok":
                return answer
            if outcome == "refused" and answer.status != 429 and answer.code != "idempotency_running":
                raise Refused(f"{op}: {answer.status} {answer.body[:300]!r}")
            pause = self._wait(answer, pause, deadline, op)

    def read(self, path: str, holds: Any = None, **query: str) -> Any:
        """GET until it holds. Raises Refused or GaveUp."""
        address = f"{path}?{urlencode(query)}" if query else path
        deadline, pause = time.monotonic() + PATIENCE, 0.05
        while True:
            answer = self.once("GET", address)
            self.history.observe(answer)
            if answer.status == 200 and (holds is None or holds(answer.json)):
                return answer.json
            if 400 <= answer.status < 500 and answer.status not in (404, 429):
                raise Refused(f"{path}: {answer.status} {answer.body[:300]!r}")
            pause = self._wait(answer, pause, deadline, path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait(self, answer: Answer, pause: float, deadline: float, what: str) -> float:
        """Retry-After is honoured, but not for longer than a second: tests are impatient."""
        if time.monotonic() > deadline:
            raise GaveUp(f"{what}: last answer {answer.status} {answer.code}")
        told = answer.headers.get("retry-after", "")
        time.sleep(min(float(told) if told.isdigit() else pause, 1.0) * self.random.uniform(0.5, 1.0))
        return min(pause * 1.5, 1.0)


def _id_of(answer: Answer) -> str | None:
    try:
        return str(answer.json["id"])
    except (ValueError, TypeError, KeyError):
        return None


def sign_in(base_url: str, email: str, password: str, timeout: float = 30) -> str:
    """A fresh access token."""
    client = Client(base_url, "", History(Path("/dev/null")))
    deadline = time.monotonic() + timeout
    try:
        while True:
            answer = client.once("POST", "/v1/auth/token", {"email": email, "password": password})
            if answer.status == 200:
                return str(answer.json["access_token"])
            if time.monotonic() > deadline:
                raise GaveUp(f"sign-in: {answer.status} {answer.code}")
            time.sleep(0.5)
    finally:
        client.close()
