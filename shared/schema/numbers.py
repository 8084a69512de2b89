"""Declared fields that hold a number."""

from decimal import Decimal
from typing import Any, ClassVar, Unpack

from shared.kernel.money import LARGEST
from shared.schema.declared import Declared, Options, Sent
from shared.wire import fields


class Whole(Declared):
    """A whole number."""

    python = int

    def __init__(
        self, help: str = "", *, least: int = -(2**31), most: int = 2**31 - 1, **options: Unpack[Options]
    ) -> None:
        super().__init__(help, **options)
        self.least, self.most = least, most

    def accepting(self, **settings: Any) -> Sent:
        return fields.Whole(self.least, self.most, **settings)

    def comparing(self) -> Sent:
        return fields.Whole()

    def check(self, column: str) -> str:
        return f"{column} BETWEEN {self.least} AND {self.most}"


class Number(Declared):
    """A decimal number: the kinds below say of what."""

    python = Decimal
    field: ClassVar[type[fields.Number]] = fields.Number
    settings: ClassVar[dict[str, Any]] = {}

    def __init__(
        self, help: str = "", *, positive: bool = False, not_negative: bool = False, **options: Unpack[Options]
    ) -> None:
        super().__init__(help, **options)
        self.positive, self.not_negative = positive, not_negative

    def accepting(self, **settings: Any) -> Sent:
        signs: dict[str, Any] = {"positive": self.positive}
        signs |= {"not_negative": True} if self.not_negative else {}
        return self.field(**signs, **settings)

    def showing(self, **settings: Any) -> Sent:
        return self.field(**settings)

    def comparing(self) -> Sent:
        return self.field()

    def check(self, column: str) -> str:
        sign = f" AND {column} > 0" if self.positive else f" AND {column} >= 0" if self.not_negative else ""
        return f"abs({column}) < {LARGEST}{sign}"


class Amount(Number):
    """An amount of money; the document carries the currency."""

    field = fields.Amount


class Price(Number):
    """A unit price or cost."""

    field = fields.Price


class Quantity(Number):
    """A quantity of goods or services; the line carries the unit."""

    field = fields.Quantity


class Percent(Number):
    """A percentage in percent, from 0 to 100."""

    field = fields.Percent

    def check(self, column: str) -> str:
        return f"{column} BETWEEN 0 AND 100"
