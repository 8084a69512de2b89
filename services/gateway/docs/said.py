"""Texts that hold values which are the same in every language, such as the names of fields."""

from collections.abc import Callable

Translate = Callable[[str], str]


class Said(str):
    """An English text of sentences; it keeps them, so that it can be said in another language."""

    parts: tuple[tuple[str, dict[str, str]], ...]

    def __new__(cls, *parts: tuple[str, dict[str, str]]) -> "Said":
        made = super().__new__(cls, _together(parts, str))
        made.parts = parts
        return made

    def translated(self, say: Translate) -> str:
        return _together(self.parts, say)


def say(sentence: str, **values: str) -> Said:
    """A sentence with its values: `say("Text in {names}.", names="name, code")`."""
    return Said((sentence, values))


def _together(parts: tuple[tuple[str, dict[str, str]], ...], say: Translate) -> str:
    return " ".join(say(sentence).format(**values) if values else say(sentence) for sentence, values in parts)
