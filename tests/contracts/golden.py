"""`python -m tests.contracts.golden` writes the samples of events that have none yet; it never rewrites one."""

import dataclasses
import json
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from shared import contracts
from shared.kernel.context import Context
from shared.schema.contract import Event
from shared.schema.envelope import write_head

SAMPLES = Path(__file__).resolve().parent / "samples"
AT = datetime(2026, 3, 31, 9, 30, 15, 123456, tzinfo=UTC)


def file_of(event: type[Event]) -> Path:
    return SAMPLES / f"{event.type}.v{event.version}.json"


def build(cls: Any, path: str = "") -> Any:
    """An instance with a fixed value in every field, whatever its type."""
    hints = typing.get_type_hints(cls)
    return cls(**{f.name: _value(hints[f.name], f"{path}{cls.__name__}.{f.name}") for f in dataclasses.fields(cls)})


def _value(hint: Any, path: str) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (h for h in typing.get_args(hint) if h is not type(None))
    if typing.get_origin(hint) is dict:
        return {"name": ["old é€", "new"], "price": [None, "1234.50"]}
    if typing.get_origin(hint) is list:
        return [_value(typing.get_args(hint)[0], f"{path}/{n}/") for n in range(2)]
    if dataclasses.is_dataclass(hint):
        return build(hint, path)
    fixed: dict[Any, Any] = {
        UUID: uuid5(NAMESPACE_URL, path), str: f"{path.rpartition('.')[2]} é€", int: 7, bool: True,
        Decimal: Decimal("1234.565"), date: date(2026, 3, 31), datetime: AT,
    }  # fmt: skip
    return fixed[hint]


def sample(event: type[Event]) -> str:
    """The whole message as the relay sends it, laid out for people."""
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    context = Context(actor="ann", correlation_id="story-1", causation_id="story-1", traceparent=trace)
    head = write_head(build(event), uuid5(NAMESPACE_URL, event.full_type), AT, context)
    return json.dumps(json.loads(f'{head},"sequence":"1"}}'), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what is missing."""
    for event in contracts.events().values():
        if event.service in contracts.SERVICES and not file_of(event).exists():
            file_of(event).write_text(sample(event), encoding="utf-8")
            print(file_of(event).name)


if __name__ == "__main__":
    main()
