"""Declared fields that hold many values, or an object."""

from typing import Any, Unpack

from shared.schema.declared import Declared, Options, Sent
from shared.schema.fields import Text
from shared.schema.group import Group
from shared.wire import fields


class _Composed(Declared):
    """What is stored as JSON, or as rows of its own; neither sorted nor compared as a whole."""

    python = object
    sortable = False


class Many(_Composed):
    """A list of values: `Many(Text(50), "Names.", most=20)`."""

    def __init__(
        self, each: Declared, help: str = "", *, most: int = 500, least: int = 0, **options: Unpack[Options]
    ) -> None:
        super().__init__(help, **options)
        self.each, self.most, self.least = each, most, least

    def accepting(self, **settings: Any) -> Sent:
        return fields.Many(self.each.accepting(), most=self.most, least=self.least, **settings)

    def showing(self, **settings: Any) -> Sent:
        many = fields.Kept if self.each.python is str else fields.Many
        return many(self.each.showing(), most=self.most, **settings)

    def comparing(self) -> Sent:
        return self.each.comparing()

    def check(self, column: str) -> str:
        if self.least:
            return f"jsonb_array_length({column}) BETWEEN {self.least} AND {self.most}"
        return f"jsonb_array_length({column}) <= {self.most}"


class Tags(Many):
    """Words by which people group records."""

    def __init__(self, help: str = "Words by which records are grouped and found.", **options: Unpack[Options]) -> None:
        super().__init__(Text(50, least=1), help, most=50, **_empty(options))


class Part(_Composed):
    """An object of declared members."""

    def __init__(self, of: type[Group], help: str = "", **options: Unpack[Options]) -> None:
        super().__init__(help, **options)
        self.of = of

    def accepting(self, **settings: Any) -> Sent:
        return fields.Part(self.of.sent_schema, **settings)

    def showing(self, **settings: Any) -> Sent:
        return fields.Part(self.of.shown_schema, **settings)


class Lines(_Composed):
    """A list of objects. `kept`: one JSON column holds them as they were sent, so that showing them takes no work.

    `once` names the member that says what a line is about: no two lines name the same.
    """

    def __init__(
        self,
        of: type[Group],
        help: str = "",
        *,
        most: int = 500,
        least: int = 0,
        once: str = "",
        kept: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(help, **options)
        self.of, self.most, self.least, self.once, self.kept = of, most, least, once, kept

    @property
    def is_stored(self) -> bool:
        """Lines that are not kept as they came are rows of their own."""
        return self.kept and super().is_stored

    def accepting(self, **settings: Any) -> Sent:
        part = fields.Part(self.of.sent_schema)
        return fields.Many(part, most=self.most, least=self.least, unique=self.once, **settings)

    def changing(self) -> Sent:
        """Lines by their published members only, so that a large document, old and new, fits into one event."""
        return self.shown() if self.kept else fields.Many(fields.Part(self.of.changing_schema))

    def check(self, column: str) -> str:
        return f"jsonb_array_length({column}) <= {self.most}" if self.kept else ""

    @property
    def description(self) -> str:
        return super().description + (f" Each `{self.once}` at most once." if self.once else "")

    def showing(self, **settings: Any) -> Sent:
        many = fields.Kept if self.kept else fields.Many
        return many(fields.Part(self.of.shown_schema), most=self.most, **settings)


class Table(_Composed):
    """An object with free keys and short texts, such as the ids that other systems gave."""

    def accepting(self, **settings: Any) -> Sent:
        return fields.Table(**settings)


class Custom(_Composed):
    """The values of custom fields (`shared/storage/custom.py`)."""

    def __init__(self, **options: Unpack[Options]) -> None:
        help_ = "The values of custom fields by name, see /v1/custom-fields; numbers are decimal strings."
        super().__init__(help_, **options)

    def accepting(self, **settings: Any) -> Sent:
        return fields.Custom(**settings)


def _empty(options: Options) -> Options:
    """An empty list where nothing is said, unless the model decides."""
    return options if options.get("optional") else {"default": list, **options}
