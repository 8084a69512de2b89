"""Dataclasses filled by name: an event takes what it says from the aggregate that it is about."""

import dataclasses
import types
import typing
from collections.abc import Callable
from operator import attrgetter
from typing import Any

_Reader = Callable[[Any], Any]
_readers: dict[tuple[type, type, frozenset[str]], list[tuple[str, _Reader]]] = {}


def filled(cls: Any, source: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The values of the fields of `cls`: those `given`, and all others from the attributes of `source`.

    The first field, `order_id` of an event or `line_id` of one of its parts, is the source's `id` where it has no
    attribute of that name. A list of parts is filled from the list of the same name. What has a default may be missing.
    Raises TypeError, naming class and field, when something else is.
    """
    key = (cls, type(source), frozenset(given))
    if key not in _readers:
        _readers[key] = _compiled(cls, source, given)
    return {**{name: read(source) for name, read in _readers[key]}, **given}


def _compiled(cls: Any, source: Any, given: dict[str, Any]) -> list[tuple[str, _Reader]]:
    hints, wanted = typing.get_type_hints(cls), [f for f in dataclasses.fields(cls) if f.name not in given]
    first = dataclasses.fields(cls)[0].name
    found = []
    for field in wanted:
        name = field.name if _has(source, field.name) else "id" if field.name == first else ""
        if name:
            found.append((field.name, _reader(name, hints[field.name])))
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise TypeError(f"{cls.__name__} needs {field.name}, which {type(source).__name__} does not have")
    return found


def _has(source: Any, name: str) -> bool:
    """Whether it is an attribute that holds data: a method may have the name of a field by chance."""
    return hasattr(source, name) and not isinstance(getattr(type(source), name, None), types.FunctionType)


def _reader(name: str, hint: Any) -> _Reader:
    read: _Reader = attrgetter(name)
    if typing.get_origin(hint) is not list:
        return read
    (part,) = typing.get_args(hint)
    if not dataclasses.is_dataclass(part):
        return lambda source: list(read(source))
    make: Any = part
    return lambda source: [make(**filled(make, item, {})) for item in read(source)]
