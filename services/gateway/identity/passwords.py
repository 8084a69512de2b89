"""Passwords: how they are kept, and which are not good enough."""

import re
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 1024

# OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_ORDERED = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm azertyuiop qsdfghjklm wxcvbn"
_PLAIN = str.maketrans("013457@$!|", "oieastasii")


def hashed(password: str) -> str:
    """Takes 20 ms of a processor: in a thread, where others wait."""
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def weakness(password: str, *known: str) -> str | None:
    """Why a password is not good enough, as a code, or None. `known` are words about its owner: name, address."""
    if len(password) < SHORTEST:
        return "too_short"
    if len(password) > LONGEST:
        return "too_long"
    lower = password.lower()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    if any(form in _common() for form in (lower, lower.translate(_PLAIN), core, core.translate(_PLAIN))):
        return "too_common"
    if _repeats(lower) or _runs(lower) or _is_about(lower, known):
        return "too_easy"
    return None


def _repeats(password: str) -> bool:
    """A few characters, or up to four of them over and over."""
    return len(set(password)) < 5 or any(
        password == (password[:n] * len(password))[: len(password)] for n in range(1, 5)
    )


def _runs(password: str) -> bool:
    """Along the alphabet, the digits or the keyboard, there or back, nearly to its end."""
    longest = max(len(run) for run in _pieces(password))
    return longest >= len(password) - 2


def _pieces(password: str) -> list[str]:
    pieces: list[str] = []
    current = ""
    for character in password:
        longer = current + character
        known = longer in _ORDERED or longer in _ORDERED[::-1]
        pieces, current = (pieces, longer) if known else ([*pieces, current], character)
    return [*pieces, current]


def _is_about(password: str, known: tuple[str, ...]) -> bool:
    words = {word for text in known for word in re.split(r"\W+", text.lower()) if len(word) > 2}
    rest = password
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != password and len(re.sub(r"\W", "", rest)) < SHORTEST // 2


@cache
def _common() -> frozenset[str]:
    """The most common passwords, as counted in published leaks (the list of zxcvbn, MIT licence)."""
    path = Path(__file__).resolve().parents[1] / "data" / "common_passwords.txt"
    return frozenset(path.read_text(encoding="utf-8").split("\n")) - {""}
