"""An example of every event: fixed, readable values for every field of its dataclass."""

import dataclasses
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.kernel.context import Context
from shared.schema.contract import Event
from shared.schema.envelope import write_head

_AT = datetime(2026, 3, 31, 9, 30, 15, tzinfo=UTC)
_NAMED = {
    "approved_by": "ada.ministre",
    "country": "FR",
    "currency": "EUR",
    "customer_name": "Atelier Lumière SARL",
    "email": "ada@atelier-lumiere.example",
    "language": "fr",
    "name": "Lampe de bureau",
    "siren": "732829320",
    "sku": "LAMP-01",
    "tax_code": "S20",
    "unit": "unit",
    "vat_number": "FR44732829320",
}


def data(event: type[Event]) -> dict[str, Any]:
    """The `data` of an example."""
    return _build(event, event.full_type).to_data()


def envelope(event: type[Event]) -> str:
    """The whole message as JSON text."""
    made = _build(event, event.full_type)
    circumstances = Context(actor=str(uuid5(NAMESPACE_URL, "actor")), correlation_id="req-1", causation_id="req-1")
    return write_head(made, uuid5(NAMESPACE_URL, event.full_type), _AT, circumstances) + ',"sequence":"1"}'


def _build(cls: Any, path: str) -> Any:
    hints = typing.get_type_hints(cls)
    return cls(**{f.name: _value(hints[f.name], f.name, path) for f in dataclasses.fields(cls)})


def _value(hint: Any, name: str, path: str) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (h for h in typing.get_args(hint) if h is not type(None))
    if typing.get_origin(hint) is dict:
        return {"name": ["Lampe", _NAMED["name"]]}
    if typing.get_origin(hint) is list:
        return [_value(typing.get_args(hint)[0], name, path)]
    if dataclasses.is_dataclass(hint):
        return _build(hint, f"{path}/{name}")
    return _NAMED.get(name, name) if hint is str else _of_type(hint, f"{path}/{name}")


def _of_type(hint: Any, path: str) -> Any:
    known: dict[Any, Any] = {
        UUID: uuid5(NAMESPACE_URL, path),
        int: 30,
        bool: True,
        Decimal: Decimal("149.90"),
        date: _AT.date(),
        datetime: _AT,
    }
    return known[hint]
