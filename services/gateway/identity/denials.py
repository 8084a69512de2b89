"""Refused permissions, noted beside the sign-ins: each kind once a minute, and never more than the database bears."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.http.access import Principal
from gateway.models import SignIn
from shared.schema.contract import Operation
from shared.storage.database import new_session

PER_MINUTE = 60

log = logging.getLogger(__name__)


class Denials:
    """Writes down who was denied what."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine, self._threads = engine, threads
        self._minute, self._noted = 0, set[tuple[str, str]]()

    def note(self, principal: Principal, operation: Operation, address: str) -> None:
        minute, kind = int(time.monotonic() // 60), (principal.token_id, operation.route)
        if minute != self._minute:
            self._minute, self._noted = minute, set()
        if kind in self._noted or len(self._noted) >= PER_MINUTE:
            return
        self._noted.add(kind)
        detail = f"{operation.route} ({operation.permission})"
        row = SignIn(outcome="denied", user_id=principal.id, address=address, detail=detail)
        self._threads.submit(self._write, row)

    def _write(self, row: SignIn) -> None:
        try:
            with new_session(self._engine) as session:
                session.add(row)
                session.commit()
        except SQLAlchemyError as error:
            log.warning("denial not noted", extra={"error_code": type(error).__name__})
