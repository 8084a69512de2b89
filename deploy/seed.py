"""The demo company "Atelier Lumière SARL": a lamp workshop with stock, customers and orders in every state.

Only the public HTTP API is used, so the demo data is valid by construction. Everything has a fixed id and every step
looks at the state first: running it again changes nothing, running it after an interruption completes it.
What each service has of it stands in `deploy/seeds/<service>.py`, which says what must be there before.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from graphlib import TopologicalSorter
from types import ModuleType
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d2a4e-8c53-5b7a-9e0d-3c1f5a7b9d2e")


class SeedFailed(Exception):
    """The API refused a step of the demo; `status` 0 means that it did not come about in time."""

    def __init__(self, status: int, message: str, again: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.again = again


class Api:
    """The few calls the demo needs; waits while a service is not there yet."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self._base_url = base_url
        self.events: list[str] = []
        self._token = ""
        self._token = self.post("/v1/auth/token", {"email": email, "password": password}, key=None)["access_token"]

    def get(self, path: str, **query: str) -> Any:
        return self._call("GET", path + ("?" + urlencode(query) if query else ""))

    def find(self, path: str) -> Any | None:
        """The resource, or None when there is none yet."""
        try:
            return self.get(path)
        except SeedFailed as refused:
            if refused.status == 404:
                return None
            raise

    def all(self, path: str, **query: str) -> list[Any]:
        return list(self.get(path, **query)["data"])

    def post(self, path: str, body: Mapping[str, Any], key: str | None) -> Any:
        return self._call("POST", path, body, {"Idempotency-Key": f"demo-{identify(key)}"} if key else {})

    def patch(self, path: str, body: Mapping[str, Any], version: int) -> Any:
        headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
        return self._call("PATCH", path, body, headers)

    def create(self, path: str, name: str, body: Mapping[str, Any]) -> Any:
        """Create the resource with the id that belongs to `name`, unless it exists."""
        identity = identify(name)
        found = self.find(f"{path}/{identity}")
        return found or self.post(path, {"id": identity, **body}, key=f"create:{name}")

    def wait_until_known(self) -> None:
        """Until the order service has heard of everything created so far."""
        for event in self.events:
            self.get("/v1/orders", limit="1", wait_for=event)
        self.events.clear()

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._send(method, path, body, headers or {})
            except SeedFailed as refused:
                if refused.status not in (409, 429, 503, 504) or not refused.again or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base_url + path, data=data, method=method)
        for name, value in ({"Content-Type": "application/json", "Accept": "application/json"} | dict(headers)).items():
            request.add_header(name, value)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                if event := response.headers.get("X-Event-Id"):
                    self.events.append(event)
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:500]
            again = error.headers.get("Retry-After") is not None or error.code == 504
            raise SeedFailed(error.code, f"{method} {path}: {error.code} {text}", again) from None


def run(base_url: str, email: str, password: str) -> None:
    """Bring the demo company to its final state."""
    fill(Api(base_url, email, password))


def fill(api: Api) -> None:
    """Carry out the steps that are not done yet."""
    for module in parts().values():
        module.fill(api)


def parts() -> dict[str, ModuleType]:
    """The modules of `deploy/seeds`, each after those that it names in `AFTER`."""
    from deploy import seeds

    found = {
        m.name: importlib.import_module(f"{seeds.__name__}.{m.name}") for m in pkgutil.iter_modules(seeds.__path__)
    }
    order = TopologicalSorter({name: sorted(module.AFTER) for name, module in sorted(found.items())})
    return {name: found[name] for name in order.static_order()}


def identify(name: str) -> str:
    """The fixed id of a demo resource."""
    return str(uuid5(NAMESPACE, name))


def wait(api: Api, path: str, good: Any, seconds: float = 60) -> Any:
    """What other services do follows by events: look until it has happened."""
    deadline = time.monotonic() + seconds
    while not good(found := api.get(path)):
        if time.monotonic() > deadline:
            raise SeedFailed(0, f"{path} did not get on within {seconds:.0f} s: {json.dumps(found)[:400]}")
        time.sleep(0.1)
    return found


def wait_list(api: Api, path: str, order: str, seconds: float = 60) -> list[Any]:
    deadline = time.monotonic() + seconds
    while not (found := api.all(path, order_id=order)):
        if time.monotonic() > deadline:
            raise SeedFailed(0, f"{path}: nothing for order {order} within {seconds:.0f} s")
        time.sleep(0.1)
    return found
