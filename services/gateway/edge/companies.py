"""Which companies there are, for callers to whom all are open: one that is named by mistake is refused."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.calls.own_writes import OwnWrites
from shared.api.own_writes import PATIENCE
from shared.kernel.refusals import NotFound, Unavailable

SERVICE = "gateway"
SECONDS = 0.1

_ALL = text("SELECT id FROM company")


class Companies:
    """A company never goes away, so one that was found once is not looked for again."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor, own_writes: OwnWrites) -> None:
        self._engine, self._threads, self._own_writes = engine, threads, own_writes
        self._known: frozenset[str] = frozenset()
        self._reading = (
            asyncio.Lock()
        )  # a caller who asks for what does not exist takes one thread from the directory, not all

    async def check(self, company_id: str, caller: str) -> None:
        """Raises NotFound, for one that the caller may have added a moment ago only after some waiting; or Unavailable."""
        if await self._is_known(company_id):
            return
        until = time.monotonic() + PATIENCE
        if await self._own_writes.of(caller, SERVICE):
            while time.monotonic() < until:
                await asyncio.sleep(SECONDS)
                if await self._is_known(company_id):
                    return
        raise NotFound(what="company", id=company_id[:100])

    async def _is_known(self, company_id: str) -> bool:
        if company_id in self._known:
            return True
        async with self._reading:
            self._known = await asyncio.get_running_loop().run_in_executor(self._threads, self._read)
        return company_id in self._known

    def _read(self) -> frozenset[str]:
        try:
            with self._engine.connect() as connection:
                return frozenset(str(id_) for id_ in connection.execute(_ALL).scalars())
        except SQLAlchemyError as error:
            raise Unavailable from error
