"""What all declared fields have in common: options, names, and the marshmallow fields that follow from them."""

from copy import copy
from typing import Any, ClassVar, Self, TypedDict, Unpack

import marshmallow as ma

Sent = ma.fields.Field[Any]


class Options(TypedDict, total=False):
    """What a field may be, and what it may be used for. Each is false where it is left out."""

    title: str
    """Its name in lists, forms and headers of files; else made of the identifier."""
    required: bool
    """A creation must say it."""
    null: bool
    """It may be null, and is where a creation does not say it."""
    default: Any
    """What it is where a creation does not say it: a value, or a function that makes one, such as `list`."""
    optional: bool
    """A creation need not say it; the model decides what it is then."""
    computed: bool
    """It is shown and never sent."""
    create_only: bool
    """It never changes."""
    on_write: bool
    """It is computed, and shown in answers to creations and changes only."""
    imported: bool
    """Only rows of files say it."""
    filter: bool
    sort: bool
    search: bool
    """`q` looks into it."""
    unique: bool
    """No two records have the same."""
    published: bool | str
    """Its events carry it; under this name, where a released event calls it otherwise."""
    index: bool
    """Lists of many records are filtered, sorted or searched by it."""


class Declared:
    """A field of a resource or of a part of one."""

    python: ClassVar[type] = str
    """What a column of the model holds."""
    sortable: ClassVar[bool] = True
    searchable: ClassVar[bool] = False
    name: str = ""

    def __init__(self, help: str = "", **options: Unpack[Options]) -> None:
        self.help, self.options = help, options

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    # -- what kinds of fields differ in ------------------------------------------------------------------------------

    def accepting(self, **settings: Any) -> Sent:
        """The marshmallow field of what clients send, with all limits."""
        raise TypeError(f"{type(self).__name__} is no field")

    def showing(self, **settings: Any) -> Sent:
        """The marshmallow field of what they are shown."""
        return self.accepting(**settings)

    def comparing(self) -> Sent:
        """The marshmallow field that reads the values of a filter: the bare type, without the limits of the field."""
        return self.accepting()

    def check(self, column: str) -> str:
        """The condition that a column of the database holds to, in SQL; "" for none."""
        return ""

    def as_computed(self) -> Self:
        """The field where nobody sends it, as in a resource that clients neither create nor update."""
        made = copy(self)
        made.options = {**self.options, "required": False, "create_only": False, "computed": True}
        return made

    # -- what follows ------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        return self.options.get("title") or named(self.name.removesuffix("_id"))

    @property
    def description(self) -> str:
        return self.help or f"{self.title}."

    @property
    def null(self) -> bool:
        return self.options.get("null", False)

    @property
    def is_sent(self) -> bool:
        """Whether clients may say it."""
        return not (self.options.get("computed") or self.options.get("on_write") or self.options.get("imported"))

    @property
    def has_beginning(self) -> bool:
        """Whether it is known what a creation leaves that does not say it."""
        return bool(self.null or not self.is_stored or {"default", "required", "optional"} & self.options.keys())

    @property
    def is_shown(self) -> bool:
        """Whether reading the record shows it."""
        return not (self.options.get("on_write") or self.options.get("imported"))

    @property
    def is_stored(self) -> bool:
        """Whether the model has a column of it; what is computed may be, and need not."""
        return self.is_sent

    @property
    def beginning(self) -> Any:
        """What a creation that does not say it leaves, or what makes it; `ma.missing` where the model decides."""
        return self.options.get("default", None if self.null else ma.missing)

    def on_create(self) -> Sent:
        """The field of a creation, with its default."""
        given = {"load_default": self.options["default"]} if "default" in self.options else {}
        required = self.options.get("required", False)
        return self.accepting(required=required, allow_none=self.null, metadata=self.described, **given)

    def on_update(self) -> Sent:
        """The field of a merge patch: what is left out stays as it is."""
        return self.accepting(allow_none=self.null, metadata=self.described)

    def shown(self, promised: bool = False) -> Sent:
        """The field of an answer; in parts those are `promised` that had to be sent, at the top none, see `fields=`."""
        required = promised and self.options.get("required", False)
        return self.showing(required=required, allow_none=self.null, metadata=self.described)

    def changing(self) -> Sent:
        """The field as `changes` of events show it."""
        return self.shown()

    @property
    def described(self) -> dict[str, Any]:
        """Name and help as documents of the API and the description of resources show them."""
        return {"title": self.title, "description": self.description}


def named(identifier: str) -> str:
    """`Due at` of `due_at`."""
    words = identifier.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]
