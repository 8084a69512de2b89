"""`Group` and `Line`: declared members that stand together, and the marshmallow schemas that follow from them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.schema import checks
from shared.schema.declared import Declared
from shared.wire import fields
from shared.wire.fields import Schema


class Members:
    """What the class body of a declaration says."""

    def __init__(self, owner: type, inherited: Mapping[str, Declared]) -> None:
        own = {name: value for name, value in vars(owner).items() if isinstance(value, Declared)}
        self.owner, self.fields = owner, {**inherited, **own}

    @property
    def described(self) -> str:
        """The docstring, as one line."""
        return " ".join((self.owner.__doc__ or "").split())

    @property
    def service(self) -> str:
        """`crm_contacts` of `shared.contracts.crm_contacts.teams`, else the package that it stands in."""
        steps = self.owner.__module__.removeprefix("shared.contracts.").split(".")
        return steps[0]

    def schema(self, name: str, members: dict[str, Any], doc: str = "") -> type[Schema]:
        """A schema that belongs to the module of the declaration, whence the name of its component."""
        body = {**members, "__doc__": doc or self.described, "__module__": self.owner.__module__}
        return type(name, (Schema,), body)

    def sent(self) -> dict[str, Any]:
        """The marshmallow fields of what clients send."""
        return {name: field.on_create() for name, field in self.fields.items() if field.is_sent}

    def shown(self, promised: bool = False) -> dict[str, Any]:
        """The marshmallow fields of what they are shown."""
        return {name: field.shown(promised) for name, field in self.fields.items() if field.is_shown}

    def published(self) -> dict[str, Any]:
        """What `changes` of events show of a part: the published members, or all where none is published."""
        shown = {name: field for name, field in self.fields.items() if field.is_shown}
        published = {name: field for name, field in shown.items() if field.options.get("published")}
        return {name: field.changing() for name, field in (published or shown).items()}


class Group:
    """An object inside a resource, such as an address or a line: declared once, sent and shown.

    class Address(Group):
        town = Text(70, "Where letters go.", required=True)
    """

    members: ClassVar[Members]
    sent_schema: ClassVar[type[Schema]]
    shown_schema: ClassVar[type[Schema]]
    changing_schema: ClassVar[type[Schema]]
    around: ClassVar[Mapping[str, Any]] = {}
    """What each has before its own members."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        checks.body(cls)
        inherited = cls.members.fields if hasattr(cls, "members") else {}
        cls.members = Members(cls, inherited)
        checks.options(cls, cls.members.fields)
        cls.sent_schema = cls.members.schema(f"{cls.__name__}Part", {**cls.around, **cls.members.sent()})
        shown = cls.members.shown(promised=True)
        cls.shown_schema = cls.members.schema(f"{cls.__name__}View", {**cls.around, **shown})
        cls.changing_schema = cls.members.schema(f"{cls.__name__}Change", cls.members.published())


def line_id() -> fields.Uuid:
    return fields.Uuid(metadata={"title": "Id", "description": "Identifies the line. Chosen by the client, else made."})


class Line(Group):
    """A part that is a row of its own, such as a line of an order: it has an id, which clients may choose.

    class OrderLine(Line):
        quantity = Quantity("How much.", positive=True, required=True)

    The model is `class OrderLine(Row, Base, of=orders.OrderLine)` (`shared/storage/database.py`).
    """

    around = {"id": line_id()}


def schema_of(given: type[Group] | type[Schema] | None) -> type[Schema] | None:
    """What clients send of a group; a schema that is written by hand is taken as it is."""
    return given.sent_schema if given is not None and issubclass(given, Group) else given
