"""Declared fields that hold one value."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Unpack
from uuid import UUID

from shared.kernel.money import MINOR_UNITS
from shared.schema.declared import Declared, Options, Sent, named
from shared.wire import codes, fields

Form = Callable[[Any], Any]
"""A `fields.Form`, or another check of a text that says what is wrong by raising marshmallow's ValidationError."""


class Text(Declared):
    """One line of text: at most `most` characters, at least one where it is required, and of a `form`."""

    field: ClassVar[type[fields.Text]] = fields.Text
    searchable = True

    def __init__(
        self,
        most: int = 200,
        help: str = "",
        *,
        least: int | None = None,
        form: Form | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(help, **options)
        self.most, self.form = most, form
        self.least = int(options.get("required", False)) if least is None else least

    def accepting(self, **settings: Any) -> Sent:
        return self.field(most=self.most, least=self.least, validate=[self.form] if self.form else [], **settings)

    def showing(self, **settings: Any) -> Sent:
        return self.field(most=self.most, **settings)

    def comparing(self) -> Sent:
        return fields.Text(most=max(200, self.most))

    def check(self, column: str) -> str:
        if self.least:
            return f"length({column}) BETWEEN {self.least} AND {self.most}"
        return f"length({column}) <= {self.most}"


class Multiline(Text):
    """A text of several lines."""

    field = fields.Multiline


class Secret(Text):
    """A password, token or key: never remembered, audited or logged, and shown, if at all, where it is made (`on_write`)."""

    field = fields.Secret
    searchable = False
    sortable = False

    @property
    def is_shown(self) -> bool:
        return False

    @property
    def is_stored(self) -> bool:
        """What is kept of it, sealed or as a hash, is in a table that neither audit nor history see."""
        return False


class Code(Text):
    """A text that may look like a number and is none; `of` is its kind, `digits` the lengths that it has."""

    def __init__(
        self,
        most: int = 200,
        help: str = "",
        *,
        of: type[fields.Text] = codes.Code,
        digits: tuple[int, ...] = (),
        least: int | None = None,
        form: Form | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(most, help, least=least, form=form, **options)
        self.of, self.digits = of, digits

    def accepting(self, **settings: Any) -> Sent:
        more = {"digits": self.digits} if self.digits else {}
        forms = [self.form] if self.form else []
        return self.of(most=self.most, least=self.least, validate=forms, **more, **settings)

    def showing(self, **settings: Any) -> Sent:
        return fields.Text(most=self.most, **settings)


class Choice(Declared):
    """One of a closed list of words: `Choice(("call", "email"))`, or with names: `Choice({"email": "E-mail"})`."""

    def __init__(
        self,
        choices: Sequence[str] | Mapping[str, str],
        help: str = "",
        *,
        of: type[fields.Choice] = fields.Choice,
        **options: Unpack[Options],
    ) -> None:
        """`of` is the kind of word, where files may hold something else in its place."""
        super().__init__(help, **options)
        self.of = of
        self.names = dict(choices) if isinstance(choices, Mapping) else {word: named(word) for word in choices}

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(self.names)

    def accepting(self, **settings: Any) -> Sent:
        return self.of(*self.choices, **settings)

    def check(self, column: str) -> str:
        return f"{column} IN ({', '.join(repr(choice) for choice in self.choices)})"


class Currency(Choice):
    """A currency by its code (ISO 4217), which is its name in every language."""

    def __init__(self, help: str = "The currency, by its ISO 4217 code.", **options: Unpack[Options]) -> None:
        super().__init__(tuple(MINOR_UNITS), help, **options)


class Flag(Declared):
    """true or false."""

    python = bool
    sortable = False

    def accepting(self, **settings: Any) -> Sent:
        return fields.Flag(**settings)


class Day(Declared):
    """A date without a time."""

    python = date

    def accepting(self, **settings: Any) -> Sent:
        return fields.Day(**settings)


class Instant(Declared):
    """A moment."""

    python = datetime

    def accepting(self, **settings: Any) -> Sent:
        return fields.Instant(**settings)


class Id(Declared):
    """The id of something that is no resource, such as a line of another service's document."""

    python = UUID
    sortable = False

    def accepting(self, **settings: Any) -> Sent:
        return fields.Uuid(**settings)


class Refers(Declared):
    """The id of another record: `Refers("users")`.

    That it exists is checked by a foreign key where the same service owns the resource, by the copied ids of
    `shared/api/existence.py` where another does, and where `by_handler` says so by the handler.
    `where` is what holds for the records of the same service that may be named, e.g. {"kind": "person"}.
    `planned` says that no service has any yet, so that none can be named.
    """

    python = UUID
    sortable = False

    def __init__(
        self,
        to: str,
        help: str = "",
        *,
        by_handler: bool = False,
        where: Mapping[str, str] | None = None,
        planned: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(help, **options)
        self.to, self.by_handler, self.where, self.planned = to, by_handler, where or {}, planned

    def accepting(self, **settings: Any) -> Sent:
        return fields.Uuid(self.to, **settings) if self.by_handler else fields.Known(self.to, **settings)

    def showing(self, **settings: Any) -> Sent:
        return fields.Uuid("" if self.planned else self.to, **settings)

    def comparing(self) -> Sent:
        return self.showing()
