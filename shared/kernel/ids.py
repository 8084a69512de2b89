"""Identifiers: UUIDv7 (RFC 9562) everywhere, so that keys sort by the time they were made."""

import os
from uuid import UUID

from shared.kernel import clock

DEFAULT_COMPANY_ID = UUID("01900000-0000-7000-8000-000000000001")
"""The company that exists from the start; who has one company never needs to name it."""


def new_id() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds, then random bits."""
    return _uuid7(int.from_bytes(os.urandom(2), "big") & 0xFFF)


def new_event_id(event_type: str) -> UUID:
    """A new UUIDv7 whose twelve `rand_a` bits are the tag of an event type.

    RFC 9562 leaves those bits to the application. With them any service can tell from an id alone which event
    a client waits for (`wait_for`), without asking the service that published it.
    """
    return _uuid7(type_tag(event_type))


def type_tag(event_type: str) -> int:
    """The twelve-bit number of an event type. Raises KeyError for one that is not declared."""
    return ASSIGNED[event_type]


def new_job_id(service: str) -> UUID:
    """A new UUIDv7 that carries which service runs the job, so that the edge knows whom to ask."""
    return _uuid7(type_tag(f"job/{service}"))


def tag_of(event_id: UUID) -> int:
    """The type tag that `new_event_id` put into an id."""
    return (event_id.int >> 64) & 0xFFF


ASSIGNED: dict[str, int] = {}
"""The tag of each event type and, as `job/<service>`, of the jobs of a service. Given once, and to nothing else."""


def assign(name: str, tag: int) -> None:
    """Assign a tag. Raises TypeError when it is no tag, or is assigned to something else."""
    owner = next((owner for owner, number in ASSIGNED.items() if number == tag), name)
    if not 0 < tag < 2**12 or owner != name or ASSIGNED.get(name, tag) != tag:
        free = next(number for number in range(1, 2**12) if number not in ASSIGNED.values())
        raise TypeError(f"{name} needs a number of its own from 1 to 0xFFF: {tag:#05X} is not, {free:#05X} is free")
    ASSIGNED[name] = tag


def id_of_hash(digest: bytes) -> UUID:
    """A UUIDv8 (RFC 9562, section 5.8) made of the first 122 bits that it has room for of a hash."""
    bits = int.from_bytes(digest[:16], "big")
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62))


def _uuid7(rand_a: int) -> UUID:
    rand_b = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(clock.milliseconds() << 80) | (0x7 << 76) | (rand_a << 64) | (0x2 << 62) | rand_b)
