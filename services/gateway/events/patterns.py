"""Which event types a pattern of routing keys means: `*` stands for one word, `#` for any number of words."""

import re
from collections.abc import Iterable
from functools import lru_cache

from shared import contracts
from shared.schema.contract import Event

MOST = 50
"""Patterns in one request or subscription."""

_PATTERN = re.compile(r"(?:[a-z0-9_]+|\*|#)(?:\.(?:[a-z0-9_]+|\*|#)){0,9}")
_WORDS = {"*": r"\.[^.]+", "#": r"(?:\.[^.]+)*"}
"""Each word of a pattern brings the dot before it, so that `#` may stand for none."""

GRAMMAR = r"^[a-z]+(_[a-z]+)?\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
"""Of a routing key: service, what the fact is about, and the fact in the past tense; at most 255 bytes."""


def known_events() -> list[type[Event]]:
    """Every event that is published today, by its name."""
    found = contracts.events().values()
    return sorted((e for e in found if e.service in contracts.SERVICES), key=lambda e: (e.type, e.version))


@lru_cache(maxsize=2000)
def matching(pattern: str) -> tuple[type[Event], ...]:
    """The events whose routing key a pattern matches, as the broker would; none for what is no pattern."""
    if not _PATTERN.fullmatch(pattern):
        return ()
    expression = re.compile("".join(_WORDS.get(word, rf"\.{word}") for word in pattern.split(".")))
    return tuple(event for event in known_events() if expression.fullmatch(f".{event.type}"))


def types_of(patterns: Iterable[str]) -> frozenset[str]:
    """Full types of everything that one of the patterns matches."""
    return frozenset(event.full_type for pattern in patterns for event in matching(pattern))


def unknown_among(patterns: list[str]) -> list[int]:
    """The places of patterns that match nothing: a misspelt one would be silent for ever."""
    return [place for place, pattern in enumerate(patterns) if not matching(pattern)]
