"""No job goes on with rights that were taken away.

A job runs with what its request said of the caller, and services know of callers only by what the edge says. So the edge
asks services every few seconds whose jobs are under way, looks up what these may do now, and has those ended whose
caller, or key, may do less than when they began. Every edge does so; what is ended twice is ended once.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from gateway.calls.forwarding import result_of, wire_body
from gateway.calls.rpc import Rpc
from gateway.identity.directory import Directory
from shared import contracts
from shared.api.caller import HEADER, Caller
from shared.api.rights import Rights, lacking
from shared.kernel.context import person_of
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import Refusal
from shared.kernel.signing import Signer
from shared.schema.derived.job_contract import OVERSEER

ROUND_SECONDS = 2.0
CALL_SECONDS = 2.0
_CALLER = Caller("edge", (OVERSEER,), DEFAULT_COMPANY_ID)

log = logging.getLogger(__name__)


class Overseer:
    """Looks after the jobs of all services for as long as the edge runs."""

    def __init__(self, rpc: Rpc, signer: Signer, directory: Directory) -> None:
        self._rpc, self._signer, self._directory = rpc, signer, directory
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name="jobs overseen")

    async def stop(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            if self._rpc.connected:
                await asyncio.gather(*(self._look_after(service) for service in contracts.SERVICES))

    async def _look_after(self, service: str) -> None:
        """What cannot be found out now is asked again in the next round."""
        try:
            found = await self._call(service, "jobs_under_way")
            for job in (found or {}).get("data", ()):
                if not await self._may_go_on(job):
                    await self._call(service, "end_job", {"id": job["id"]})
                    log.info("job ended: rights taken away", extra={"job": job["id"], "actor": job["actor"]})
        except (Refusal, SQLAlchemyError) as error:
            log.debug("jobs not overseen", extra={"service_name": service, "error_code": type(error).__name__})

    async def _may_go_on(self, job: dict[str, Any]) -> bool:
        """Whether all is still held that the job runs with. Programs that an operator vouched for have no rights to lose."""
        owner = person_of(job["actor"])
        if owner is None:
            return True
        held = await self._directory.rights(owner, UUID(job["api_key"]) if job.get("api_key") else None)
        return held is not None and not lacking(held, _rights_of(job, owner), contracts.permissions())

    async def _call(self, service: str, operation: str, path: dict[str, str] | None = None) -> Any:
        headers: dict[str, Any] = {
            "nameko.request_id": f"edge-{uuid4()}",
            "nameko.language": "en",
            HEADER: _CALLER.signed(self._signer, service),
        }
        return result_of(
            await self._rpc.call(
                _CALLER.actor, service, operation, wire_body(path or {}, {}, b""), headers, CALL_SECONDS
            )
        )


def _rights_of(job: dict[str, Any], owner: UUID) -> Rights:
    companies = None if job["companies"] is None else frozenset(map(UUID, job["companies"]))
    return Rights(tuple(job["permissions"]), companies, frozenset((owner,)), frozenset(map(UUID, job["team"])))
