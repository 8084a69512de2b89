"""A document in another language: the same structure, with its texts from the French catalogues (`shared/locale`)."""

import re
from collections.abc import Iterator
from typing import Any

from gateway.docs.said import Said, Translate
from shared.schema import texts
from shared.wire.problems import TITLES

_NAME = re.compile(r"[a-z0-9_.]+")
"""Types of events are titles of their channels, in every language."""

_TEXTS = ("summary", "description", "title")
_DATA = ("example", "examples", "default", "enum", "const", "info")
"""Members that hold data, not schemas; `info` has its text in each language from elsewhere."""


def in_language(document: dict[str, Any], language: str) -> dict[str, Any]:
    """The document in "fr", or else in English; its texts are plain strings then."""
    found: dict[str, Any] = _walk(document, _french if language == "fr" else str)
    return found


def sentences(document: dict[str, Any]) -> Iterator[str]:
    """Every text of a document as catalogues have it: without the values that it holds."""
    met: list[str] = []

    def note(text: str) -> str:
        met.append(text)
        return text

    _walk(document, note)
    titles = {english for english, _ in TITLES.values()}
    yield from (text for text in met if text not in titles and not _NAME.fullmatch(text))


def _walk(value: Any, say: Translate) -> Any:
    if isinstance(value, list):
        return [_walk(one, say) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, inner, say) for name, inner in value.items()}


def _member(name: str, value: Any, say: Translate) -> Any:
    if name == "properties" and isinstance(value, dict):  # here the names are those of members
        return {member: _walk(schema, say) for member, schema in value.items()}
    if name == "x-tagGroups":
        return [{**_walk(group, say), "name": say(group["name"])} for group in value]
    if name in _TEXTS and isinstance(value, str):
        return value.translated(say) if isinstance(value, Said) else say(value)
    return value if name in _DATA else _walk(value, say)


def _french(text: str) -> str:
    return texts.everywhere().get(text) or _titles().get(text) or text


def _titles() -> dict[str, str]:
    return dict(TITLES.values())
