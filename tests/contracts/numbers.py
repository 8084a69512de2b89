"""The numbers of all event types that were ever released: ids of old events carry them, so none is used again."""

from pathlib import Path

from shared import contracts
from shared.kernel import generated, ids
from tests.contracts import partition

FOLDER = Path(__file__).parent / "snapshots" / "numbers"


def released() -> dict[str, int]:
    """{event type or `job/<service>`: number}, also of those that are no longer declared."""
    return generated.merged(FOLDER)


def declared() -> dict[str, int]:
    """The same of the contracts; services that only tests know are left out."""
    known = {name for name, event in contracts.events().items() if event.service in contracts.SERVICES}
    return {n: tag for n, tag in ids.ASSIGNED.items() if n in known or n.partition("/")[2] in contracts.SERVICES}


def conflicts(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """Types whose number was changed, or had been given to another type."""
    owner = {number: name for name, number in before.items()}
    return [
        name for name, number in now.items() if before.get(name, number) != number or owner.get(number, name) != name
    ]


def write() -> None:
    """Add what is new. Raises ValueError where a number that was released means something else now."""
    before, now = released(), declared()
    if wrong := conflicts(before, now):
        raise ValueError(f"numbers of released events may not change: {', '.join(wrong)}")
    all_ = dict(sorted((before | now).items()))
    generated.write(FOLDER, partition.by_name(all_, partition.of_type))
