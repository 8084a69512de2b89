"""How a text is kept, wherever it comes from: in Unicode normal form C, and without anything invisible at its ends.

So what looks the same is the same: a decomposed "é" (as macOS writes file names) equals a composed one, a name that a
spreadsheet padded with no-break spaces equals the plain one, and a text of nothing visible is an empty one.
"""

import re
import unicodedata

_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c"
    "\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u2800\u3164"
    "\ufeff\uffa0"
)
"""What Unicode calls default ignorable (DerivedCoreProperties) and, like U+2800, draws nothing; the variation selectors
and tags of emoji are not among them, because there they mean something at the end of a text."""

_NOTHING = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""What means nothing inside a word either, and made a second product of `Cafe-1` with a space of no width. Joiners and marks
of direction stay: scripts and emoji need them."""

_BLANK = _IGNORABLE + "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile("\r\n?|[\x85\u2028\u2029]")


def snake_case(name: str) -> str:
    """`journal_entry` for JournalEntry."""
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def tidy(text: str) -> str:
    """The text as it is kept and compared."""
    if text.isascii():
        return text.strip()
    found = unicodedata.normalize("NFC", text).translate(_NOTHING).strip(_BLANK)
    return found if any(map(_is_drawn, found)) else ""


def _is_drawn(character: str) -> bool:
    """Whether it shows anything by itself: accents, variation selectors and tags only change what stands before them."""
    return character not in _BLANK and unicodedata.category(character) not in ("Mn", "Me", "Cf", "Cn", "Cs")


def lines(text: str) -> str:
    """The same for a text of several lines: each ends with a line feed."""
    return tidy(text if text.isprintable() else _LINE_BREAK.sub("\n", text))


def has_control(text: str, several_lines: bool = False) -> bool:
    """Whether it holds control characters; line feeds and tabs are none in a text of several lines."""
    return not text.isprintable() and bool((_CONTROL_IN_LINES if several_lines else _CONTROL).search(text))
