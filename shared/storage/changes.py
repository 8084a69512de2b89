"""What a command changes, as events tell it: each field with its old and its new value, in the notation of the API."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from shared.schema.contract import Changes
from shared.wire.dumping import Dump, compiled
from shared.wire.fields import Schema

_UNTOLD = {"id", "version", "created_at", "updated_at", "warnings"}


def recorded(view: type[Schema], thing: Any) -> Callable[[], Changes]:
    """Remember how the API shows a thing; what is returned tells what differs by then."""
    shown = _shown(view)
    before = deepcopy(shown(thing))
    return lambda: _differing(before, deepcopy(shown(thing)))


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Changes:
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


@cache
def _shown(view: type[Schema]) -> Dump:
    return compiled(view, tuple(set(view().dump_fields) - _UNTOLD))
