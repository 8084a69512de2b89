"""JSON as RFC 8259 and I-JSON (RFC 7493) mean it, from bytes that a stranger sent.

Python's own parser accepts NaN, duplicate members, lone surrogates and any depth; each of them means different things
to different readers, and some cannot be stored. What passes here means the same to every parser after us.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from shared.kernel.refusals import BadRequest

DEEPEST = 32
"""Levels of arrays and objects."""

MOST_MEMBERS = 1000
"""Of one object; ours have a few dozen, and each unknown one costs an error."""

LONGEST_NUMBER = 100
"""Characters of one number; amounts are strings, so honest numbers are short."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJson(BadRequest):
    """The text is not JSON, or JSON that not every reader understands alike. Details: reason."""

    code = "invalid_json"
    en = "The body is not valid JSON: {reason}."
    fr = "Le corps n'est pas un JSON valide : {reason}."


def loads(raw: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises InvalidJson (400 `invalid_json`), never anything else."""
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        _refuse("not_utf8")
    except RecursionError:
        _refuse("too_deep")
    except ValueError as error:
        _refuse(str(error) if isinstance(error, _Unacceptable) else "syntax_error")
    if raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _check_depth(value)
    if b"\\u" in raw:
        _check_texts(value)
    return value


class _Unacceptable(ValueError):
    """Well-formed, yet refused; the text says why."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(members) > MOST_MEMBERS:
        raise _Unacceptable("too_many_members")
    value = dict(members)
    if len(value) != len(members):
        raise _Unacceptable("duplicate_member")
    return value


def _constant(name: str) -> NoReturn:
    raise _Unacceptable("not_a_number")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _Unacceptable("number_too_long")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= LONGEST_NUMBER else float("inf")
    if value in (float("inf"), float("-inf")):
        raise _Unacceptable("number_too_long")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_fraction
)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [child for container in level for child in _children(container)]
        if not level:
            return
    _refuse("too_deep")


def _children(container: Any) -> Iterator[Any]:
    """What a container holds directly that is a container itself; nothing for a scalar."""
    members = container.values() if isinstance(container, dict) else container if isinstance(container, list) else ()
    return (member for member in members if isinstance(member, (dict, list)))


def _check_texts(value: Any) -> None:
    """Escapes can write what UTF-8 cannot: NUL, which PostgreSQL does not store, and halves of surrogate pairs."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if _UNSTORABLE.search(one):
                _refuse("unstorable_text")
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _refuse(reason: str) -> NoReturn:
    raise InvalidJson(reason=reason) from None
