"""The marshmallow fields that contracts are written with. Error messages are codes; `error_messages.py` has the sentences."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from shared.kernel.money import LARGEST
from shared.wire.text_fields import CODES as _CODES
from shared.wire.text_fields import Form as Form
from shared.wire.text_fields import Messages, storable
from shared.wire.text_fields import Multiline as Multiline
from shared.wire.text_fields import Secret as Secret
from shared.wire.text_fields import Text as Text

MOST_KEYS = 50  # of an open object
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}(-[0-9]{2}){2}[Tt][0-9]{2}(:[0-9]{2}){2}(\.[0-9]{1,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})")


class Schema(ma.Schema):
    """Base of all request and response schemas: unknown members are refused, order is as written."""

    error_messages: dict[str, str] = {"unknown": "unknown_field", "type": "invalid_type"}

    class Meta:
        unknown = ma.RAISE


class Choice(fields.String):
    """One of a closed list of strings."""

    default_error_messages: Messages = _CODES

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        self.choices = choices
        super().__init__(validate=validate.OneOf(choices, error="invalid_choice"), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return value


class Uuid(fields.Field[UUID]):
    """A UUID as a string; `refers` names the resource whose id it is, such as "contacts"."""

    default_error_messages: Messages = {**_CODES, "invalid": "invalid_uuid"}

    def __init__(self, refers: str = "", **kwargs: Any) -> None:
        self.refers = refers
        super().__init__(**kwargs)

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> UUID:
        try:
            if not isinstance(value, str) or not _UUID.fullmatch(value):
                raise ValueError
            return UUID(value)
        except ValueError:
            raise self.make_error("invalid") from None


class Known(Uuid):
    """The id of something that another service owns, in a request; `shared/api/existence.py` checks that it exists."""

    def __init__(self, refers: str, **kwargs: Any) -> None:
        super().__init__(refers, **kwargs)


class Number(fields.Field[Decimal]):
    """A decimal number as a string (an integer is accepted too, a float never)."""

    default_error_messages: Messages = {
        **_CODES,
        "invalid": "invalid_decimal",
        "digits": "too_many_digits",
        "not_positive": "not_positive",
        "negative": "negative",
        "range": "out_of_range",
    }
    least_decimals = 0

    def __init__(
        self,
        decimals: int = 6,
        positive: bool = False,
        not_negative: bool = False,
        most: Decimal | None = None,
        below: Decimal = LARGEST,
        **kwargs: Any,
    ) -> None:
        self.decimals, self.positive, self.not_negative, self.most = decimals, positive, not_negative, most
        self.below = below
        super().__init__(**kwargs)

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str | None:
        return None if value is None else plain(value, self.least_decimals)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self.make_error("invalid")
        text = str(value) if isinstance(value, str) or abs(value) < 10**18 else ""
        if not _DECIMAL.fullmatch(text):
            raise self.make_error("invalid")
        return self._checked(Decimal(text))

    def _checked(self, number: Decimal) -> Decimal:
        if -int(number.normalize().as_tuple().exponent) > self.decimals or abs(number) >= self.below:
            raise self.make_error("digits")
        if self.positive and number <= 0:
            raise self.make_error("not_positive")
        if self.not_negative and number.is_signed():
            raise self.make_error("negative")
        if self.most is not None and number > self.most:
            raise self.make_error("range")
        return number


class Amount(Number):
    """An amount of money: two decimals; the document carries the currency."""

    least_decimals = 2

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"decimals": 2, **kwargs})


class Price(Number):
    """A unit price or cost: up to six decimals, shown with at least two."""

    least_decimals = 2


class Quantity(Number):
    """A quantity of goods or services; the line carries the unit."""


class Percent(Number):
    """A percentage in percent: "20" is a fifth."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"decimals": 4, "not_negative": True, "most": Decimal(100), **kwargs})


class Whole(fields.Field[int]):
    """A whole number."""

    default_error_messages: Messages = {**_CODES, "range": "out_of_range"}

    def __init__(self, least: int = -(2**31), most: int = 2**31 - 1, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise self.make_error("range")
        return value


class Digits(Whole):
    """A whole number as a query string carries it."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch("[0-9]+", value):
            raise self.make_error("invalid")
        return super()._deserialize(int(value[:12]), *args, **kwargs)


class Flag(fields.Field[bool]):
    """true or false, nothing else."""

    default_error_messages: Messages = _CODES

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Day(fields.Field[date]):
    """An accounting date, YYYY-MM-DD."""

    default_error_messages: Messages = {**_CODES, "invalid": "invalid_date"}

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> date:
        try:
            if not isinstance(value, str) or not _DAY.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None


class Instant(fields.Field[datetime]):
    """An RFC 3339 instant; shown in UTC with a Z."""

    default_error_messages: Messages = {**_CODES, "invalid": "invalid_instant"}

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str | None:
        return None if value is None else instant(value)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        try:
            if not isinstance(value, str) or not _INSTANT.fullmatch(value):
                raise ValueError
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None


class Many(fields.List[Any]):
    """A list of at most `most` values.

    `unique` names the member that says what a part is about, such as the line that it changes: to name the same one
    twice could mean the sum, or the last one, so it is refused. Of a list of ids this holds without saying.
    """

    default_error_messages: Messages = _CODES

    def __init__(self, inner: Any, most: int = 500, least: int = 0, unique: str = "", **kwargs: Any) -> None:
        self.most, self.unique, self.names_ids = most, unique, isinstance(inner, Uuid)
        if unique:
            kwargs.setdefault("metadata", {"description": f"each `{unique}` at most once"})
        limits = [validate.Length(min=least, error="too_short")] if least else []
        super().__init__(inner, validate=limits, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        """The length first: a hundred thousand wrong values are one error, not as many.

        A merge patch replaces arrays whole (RFC 7396, section 2), so their elements are complete.
        """
        if isinstance(value, (list, tuple)) and len(value) > self.most:
            raise ma.ValidationError("too_long")
        loaded = super()._deserialize(value, attr, data, **{**kwargs, "partial": False})
        if self.unique or self.names_ids:
            self._refuse_repeated(loaded)
        return loaded

    def _refuse_repeated(self, loaded: list[Any]) -> None:
        seen: set[Any] = set()
        errors: dict[Any, Any] = {}
        for place, part in enumerate(loaded):
            name = part.get(self.unique) if self.unique else part
            if name is not None and name in seen:
                errors[place] = {self.unique: ["duplicate"]} if self.unique else ["duplicate"]
            seen.add(name)
        if errors:
            raise ma.ValidationError(errors)


class Kept(Many):
    """A list that is stored in its JSON form, so that showing it takes no work."""

    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return value


class Part(fields.Nested):
    """An object inside an object."""

    default_error_messages: Messages = {**_CODES, "type": "invalid_type"}


class Table(fields.Dict):
    """An object with free string keys and short string values, such as `external_ids`."""

    default_error_messages: Messages = _CODES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(most=50, least=1), values=Text(most=200), validate=_few, **kwargs)


class Open(fields.Dict):
    """Any JSON object; what it must hold is checked by its receiver."""

    default_error_messages: Messages = _CODES


class Scalar(fields.Field[Any]):
    """A string, a whole number, true, false or null."""

    default_error_messages: Messages = {**_CODES, "text": "invalid_text"}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, (str, int)):
            raise self.make_error("invalid")
        if isinstance(value, str) and (len(value) > 2000 or not storable(value)):
            raise self.make_error("text")
        return value


class Custom(fields.Dict):
    """The values of custom fields by name; `shared/storage/custom.py` checks them against their definitions."""

    default_error_messages: Messages = _CODES

    def __init__(self, **kwargs: Any) -> None:
        described = {"description": "custom fields, see /v1/custom-fields; numbers are decimal strings"}
        kwargs.setdefault("metadata", described)
        super().__init__(keys=Text(most=50, least=1), values=Scalar(allow_none=True), validate=_few, **kwargs)


class Anything(fields.Raw):
    """Any JSON value."""

    default_error_messages: Messages = _CODES


class Version(fields.Field[Any]):
    """The version that a change is made to: 3 or, as in an ETag, "3"; or "*" for whichever there is."""

    default_error_messages: Messages = {**_CODES, "invalid": "invalid_version"}
    pattern = r'^(\*|"?[0-9]{1,18}"?)$'

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int | str:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 3.0 is the same JSON number
        known = re.fullmatch(self.pattern, str(value)) if isinstance(value, (str, int)) else None
        if known is None or isinstance(value, bool) or (isinstance(value, int) and value < 1):
            raise self.make_error("invalid")
        return "*" if value == "*" else int(str(value).strip('"'))


def _few(value: dict[str, Any]) -> None:
    if len(value) > MOST_KEYS:
        raise ma.ValidationError("too_long")


def plain(number: Decimal, least_decimals: int = 0) -> str:
    """A decimal without exponent and without needless zeros, but with at least so many decimals."""
    text = format(number, "f")
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(least_decimals, "0")
    if whole == "-0" and not decimals.strip("0"):
        whole = "0"
    return f"{whole}.{decimals}" if decimals else whole


def instant(value: datetime) -> str:
    """An instant in RFC 3339 form, in UTC, with a Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
