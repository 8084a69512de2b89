"""Settings from the environment, read once; an absent one stops the process and names itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(SystemExit):
    """A setting without which the process cannot start."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The environment variable {name} is not set; it is needed to start.")


class NotInProduction(SystemExit):
    """A setting that is for development and tests only."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} moves the clock, which is for development and tests only: remove it, or set LIAISON_MODE=development."
        )


REQUEST_GAP = 0.5
"""Seconds for which callers wait for a service that nobody runs. They are refused then, so what waited longer from before
a process took calls is not carried out by it."""


def required(name: str) -> str:
    """The value of an environment variable, or the end of the process."""
    value = os.environ.get(name)
    if not value:
        raise MissingSetting(name)
    return value


def database_url(service: str) -> str:
    """Where a service keeps its data: LIAISON_<SERVICE>_DATABASE_URL."""
    return required(f"LIAISON_{service.upper()}_DATABASE_URL")


def amqp_uri(service: str) -> str:
    """The broker as a service sees it: LIAISON_<SERVICE>_AMQP_URI."""
    return required(f"LIAISON_{service.upper()}_AMQP_URI")


def clock_file(environment: Mapping[str, str]) -> str:
    """The file that moves the clock (LIAISON_CLOCK_FILE); "" where there is none. Raises NotInProduction."""
    file = environment.get("LIAISON_CLOCK_FILE", "")
    if file and environment.get("LIAISON_MODE", "production") != "development":
        raise NotInProduction("LIAISON_CLOCK_FILE")
    return file


def _seconds(name: str, default: str) -> tuple[float, ...]:
    return tuple(float(part) for part in os.environ.get(name, default).split(","))


@dataclass(frozen=True)
class Limits:
    """Everything has a limit. All times in seconds."""

    retry_delays: tuple[float, ...] = _seconds("LIAISON_RETRY_SECONDS", "5,30,120,600,3600")
    not_yet_delays: tuple[float, ...] = _seconds("LIAISON_NOT_YET_SECONDS", "0.1,0.3,1,3,10,30,120,600,3600")
    immediate_retries: int = 4
    crashes_before_parking: int = 5
    event_concurrency: int = int(os.environ.get("LIAISON_EVENT_CONCURRENCY", "4"))
    all_events_concurrency: int = int(os.environ.get("LIAISON_ALL_EVENTS_CONCURRENCY", "8"))
    rpc_concurrency: int = int(os.environ.get("LIAISON_RPC_CONCURRENCY", "12"))
    pool_size: int = int(os.environ.get("LIAISON_POOL_SIZE", "24"))
    default_deadline: float = 10.0
    statement: float = float(os.environ.get("LIAISON_STATEMENT_SECONDS", "15"))
    wait_for: float = 10.0
    drain: float = float(os.environ.get("LIAISON_DRAIN_SECONDS", "20"))
    heartbeat: int = 15
    confirm_timeout: float = 10.0
    relay_batch: int = 500
    relay_window: int = 100
    relay_poll: float = 1.0
    idempotency_days: int = 30
    inbox_days: int = 90
    outbox_months: int = 13
    largest_message: int = 1024 * 1024


LIMITS = Limits()
