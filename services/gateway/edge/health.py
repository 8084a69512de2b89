"""Is it alive, is it ready, what runs, and the metrics."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from gateway.calls.rpc import Rpc
from gateway.errors import RouteNotFound
from gateway.http.incoming import Incoming

PROBE_SECONDS = 1.0
PROBE_BYTES = 64 * 1024


class Health:
    """The endpoints that operators and supervisors ask. `draining` is set when the process is about to stop."""

    def __init__(self, engine: Engine, rpc: Rpc, health_urls: Mapping[str, str], port: int) -> None:
        """`port` is the one on loopback that every process has for its supervisor."""
        self._engine, self._rpc, self._urls, self._port = engine, rpc, health_urls, port
        self.draining = False

    async def livez(self, request: Incoming) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(self, request: Incoming) -> Response:
        """Ready means: sign-in works. Without broker it is degraded, and calls are answered with 503 at once."""
        database = await _within(PROBE_SECONDS, lambda: _reachable(self._engine), False)
        broker = "connected" if self._rpc.connected else "disconnected"
        ready = database and not self.draining
        state = "stopping" if self.draining else "ready" if ready and self._rpc.connected else "degraded"
        body = {
            "status": state if ready or self.draining else "not_ready",
            "database": "reachable" if database else "unreachable",
            "broker": broker,
        }
        return JSONResponse(body, 200 if ready else 503)

    async def status(self, request: Incoming) -> Response:
        """Ask every process at once; who does not answer is shown as such."""
        processes = await asyncio.gather(*(_ask(name, url) for name, url in self._urls.items()))
        well = self._rpc.connected and all(process["status"] == "ready" for process in processes)
        broker = "connected" if self._rpc.connected else "disconnected"
        return JSONResponse({"status": "ok" if well else "degraded", "broker": broker, "processes": processes})

    async def metrics(self, request: Incoming) -> Response:
        """On the health port only: it takes tens of milliseconds, and tells what is nobody's business outside."""
        if request.scope["server"][1] != self._port:
            raise RouteNotFound
        return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST)


async def _ask(name: str, url: str) -> dict[str, Any]:
    begun = time.perf_counter()
    code, checks = await _within(PROBE_SECONDS, lambda: _probe(url), (0, None))
    status = "unreachable" if code == 0 else "ready" if code == 200 else "not_ready"
    milliseconds = round((time.perf_counter() - begun) * 1000)
    return {"name": name, "status": status, "milliseconds": milliseconds, "checks": checks}


async def _within(seconds: float, work: Callable[[], Any], otherwise: Any) -> Any:
    """What `work` returns in a thread, or `otherwise` when it takes too long."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), seconds)
    except TimeoutError:
        return otherwise


def _probe(url: str) -> tuple[int, Any]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", address.path.rstrip("/") + "/readyz")
        answer = connection.getresponse()
        return answer.status, _json(answer.read(PROBE_BYTES))
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _reachable(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return True
    except SQLAlchemyError:
        return False
