"""Fields for codes: texts that may look like numbers or words, and what tables write in their place."""

from typing import Any, ClassVar

from stdnum import ean

from shared.wire import fields


class Code(fields.Text):
    """A text that may look like a number and is none: its leading zeros count.

    A spreadsheet that took it for a number has dropped them. `digits` are the lengths that such a code has, the shortest
    first; without them nobody can tell what was dropped.
    """

    def __init__(self, most: int = 200, least: int = 0, digits: tuple[int, ...] = (), **kwargs: Any) -> None:
        self.digits = digits
        super().__init__(most, least, **kwargs)

    def restored(self, number: str, beside: dict[str, Any]) -> str | None:
        """The code that a spreadsheet shows as this number, or None; `beside` is the object that it stands in."""
        length = next((length for length in self.digits if length >= len(number)), None)
        return None if length is None else number.rjust(length, "0")


class PostCode(Code):
    """A post code; how many digits it has depends on the country that stands beside it."""

    lengths: ClassVar = {"DE": 5, "EE": 5, "ES": 5, "FI": 5, "FR": 5, "GR": 5, "HR": 5, "IT": 5, "MC": 5, "US": 5}
    lengths |= {
        "AT": 4,
        "AU": 4,
        "BE": 4,
        "BG": 4,
        "CH": 4,
        "CY": 4,
        "DK": 4,
        "HU": 4,
        "LI": 4,
        "LU": 4,
        "NO": 4,
        "SI": 4,
    }
    """Universal Postal Union, addressing systems: countries whose codes are digits only, without a space."""

    def restored(self, number: str, beside: dict[str, Any]) -> str | None:
        length = self.lengths.get(str(beside.get("country") or "FR"))
        return None if length is None or len(number) > length else number.rjust(length, "0")


class Barcode(Code):
    """A GTIN or any other code of bars. Of a number the check digit says what was dropped (GS1 General Specifications)."""

    def restored(self, number: str, beside: dict[str, Any]) -> str | None:
        whole = (number.rjust(length, "0") for length in (8, 12, 13, 14) if length >= len(number))
        return next((code for code in whole if ean.is_valid(code)), None)


class Country(fields.Text):
    """An ISO 3166-1 alpha-2 code. A table may also name the country."""


class TaxCode(fields.Choice):
    """A code of VAT: S and the rate, as `S20`. A table may also hold the rate."""
