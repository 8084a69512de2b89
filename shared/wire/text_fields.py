"""Fields for texts. What a text is allowed to be, and in which form it is kept, is decided here, for every way in."""

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from shared.kernel import texts

Messages = dict[str, str | list[Any] | dict[Any, Any]]

CODES: Messages = {
    "required": "required",
    "null": "null",
    "validator_failed": "invalid",
    "invalid": "invalid_type",
    "invalid_utf8": "invalid_text",
}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Whether PostgreSQL takes it as a text: no NUL, no lone surrogate."""
    return not _UNSTORABLE.search(text)


class Text(fields.String):
    """One line of text in normal form (shared/kernel/texts.py); at most `most` characters, at least `least`."""

    default_error_messages: Messages = {
        **CODES,
        "invalid_utf8": "invalid_text",
        "text": "invalid_text",
        "control": "control_character",
    }

    def __init__(self, most: int = 200, least: int = 0, **kwargs: Any) -> None:
        self.most = most
        limits = [validate.Length(max=most, error="too_long")]
        if least:
            limits.append(validate.Length(min=least, error="too_short"))
        super().__init__(validate=[*limits, *kwargs.pop("validate", [])], **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not storable(value):
            raise self.make_error("text")
        return self._normal(value)

    def _normal(self, value: str) -> str:
        """The form in which it is kept."""
        found = texts.tidy(value)
        if texts.has_control(found):
            raise self.make_error("control")
        return found


class Multiline(Text):
    """A text that may have several lines, such as a description or a reason."""

    def _normal(self, value: str) -> str:
        found = texts.lines(value)
        if texts.has_control(found, several_lines=True):
            raise self.make_error("control")
        return found


class Form(validate.Regexp):
    """A pattern that a whole text has: `$` alone would let a line feed pass at the end."""

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise ma.ValidationError(self.error)
        return value


class Secret(Text):
    """A password, token or key: it crosses once, as it is, and no remembered request, reply, audit row or log holds it."""

    def _normal(self, value: str) -> str:
        return value
