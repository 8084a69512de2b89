"""What a declared resource says as a whole, and the schemas and operations that are made of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import marshmallow as ma

from shared.schema import checks, naming
from shared.schema.contract import Listing, Operation
from shared.schema.declared import Declared
from shared.schema.fields import Refers
from shared.schema.group import Members
from shared.schema.naming import Names
from shared.schema.verbs import State, Verb
from shared.wire import fields
from shared.wire.fields import Schema

Rule = Callable[[Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What stands behind the name of a resource."""

    names: Names
    permission: str
    title: tuple[str, str]
    label: tuple[str, ...]
    default_sort: str
    unique: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    permissions: Mapping[str, str]
    summaries: Mapping[str, str]
    filters: Mapping[str, Any]
    search: tuple[str, ...]
    all_companies: tuple[str, ...] = ()
    operations: tuple[str, ...] = naming.KINDS
    idempotency: str = "accepted"

    @property
    def read_only(self) -> bool:
        """Whether clients neither create nor update it."""
        return not {"create", "update"} & set(self.operations)


class Declaration(Members):
    """A resource as declared: its fields, states, verbs and rules."""

    def __init__(self, owner: Any, inherited: Mapping[str, Declared], settings: Settings) -> None:
        super().__init__(owner, inherited)
        if settings.read_only:
            self.fields = {name: field.as_computed() for name, field in self.fields.items()}
        self.settings, self.names, self.permission = settings, settings.names, settings.permission
        self.verbs = {name: value for name, value in vars(owner).items() if isinstance(value, Verb)}
        self.rules: list[Rule] = [f for f in vars(owner).values() if getattr(f, "is_rule", False)]
        self.state = next((f for f in self.fields.values() if isinstance(f, State)), None)
        self._check()
        for name, verb in self.verbs.items():
            verb.belong(
                self.names.verb_route(name), self.names.operation(name), self._permission("update"), self._answer(verb)
            )
            verb.declared = owner

    def _check(self) -> None:
        settings, known = self.settings, self.state.choices if self.state else ()
        checks.shown(self.owner, (*settings.label, *settings.columns, *self._sorts), self.fields)
        checks.beginnings(self.owner, self.fields)
        for name, verb in self.verbs.items():
            checks.states(self.owner, name, (*verb.of, *filter(None, (verb.to,))), known)

    # -- states ------------------------------------------------------------------------------------------------------

    def state_of(self, record: Any) -> str:
        """The state of a record; "" where the resource has none."""
        return getattr(record, self.state.name) if self.state else ""

    def verbs_of(self, record: Any) -> list[str]:
        """The verbs that start from the state of a record, in the order in which they are declared."""
        state = self.state_of(record)
        return [name for name, verb in self.verbs.items() if not verb.of or state in verb.of]

    def initial(self) -> dict[str, Any]:
        """What a new record is before anybody says anything: what clients send, and what begins with a default."""
        return {name: value() if callable(value) else value for name, value in self._beginnings.items()}

    @cached_property
    def _beginnings(self) -> dict[str, Any]:
        """The values, and the functions that make them, worked out once: an order has a dozen."""
        began = {n: f.beginning for n, f in self.fields.items() if f.is_stored or "default" in f.options}
        return {name: value for name, value in began.items() if value is not ma.missing}

    # -- schemas -----------------------------------------------------------------------------------------------------

    @cached_property
    def view(self) -> type[Schema]:
        """A record as reading it shows it."""
        return self.schema(self.names.schema("get"), record(self.shown()))

    @cached_property
    def changing(self) -> type[Schema]:
        """A record as `changes` of its events show it."""
        members = {name: field.changing() for name, field in self.fields.items() if field.is_shown}
        return self.schema(self.names.schema("changing"), record(members))

    @cached_property
    def one(self) -> type[Schema]:
        """A record as it is read alone: `with=verbs` asks which verbs are possible now."""
        verbs = {"verbs": possible_verbs()} if self.verbs else {}
        return self.schema(self.names.schema("one"), record(self.shown()) | verbs) if verbs else self.view

    @cached_property
    def written(self) -> type[Schema]:
        """The answer to a creation or change."""
        more = {name: f.shown() for name, f in self.fields.items() if f.options.get("on_write")}
        return self.schema(self.names.schema("written"), record(self.shown()) | more) if more else self.view

    @property
    def changed(self) -> type[Schema]:
        """The answer to a change, which makes no secret and so shows none."""
        more = (field.shown() for field in self.fields.values() if field.options.get("on_write"))
        return self.written if any(not isinstance(shown, fields.Secret) for shown in more) else self.view

    @cached_property
    def creation(self) -> type[Schema]:
        return self.schema(self.names.schema("create"), {"id": _id("Chosen by the client, else made."), **self.sent()})

    @cached_property
    def row(self) -> type[Schema] | None:
        """What a row of a file may say, where that is more than a creation says."""
        more = {name: f.on_create() for name, f in self.fields.items() if f.options.get("imported")}
        sent = {"id": _id("Chosen by the client, else made."), **self.sent()}
        return self.schema(self.names.schema("import"), sent | more) if more else None

    @cached_property
    def change(self) -> type[Schema]:
        changed = {n: f.on_update() for n, f in self.fields.items() if f.is_sent and not f.options.get("create_only")}
        return self.schema(self.names.schema("update"), changed)

    @property
    def listing(self) -> Listing:
        by = {name: f.comparing() for name, f in self.fields.items() if f.options.get("filter")}
        return Listing(
            filters=by | dict(self.settings.filters),
            sorts=self._sorts,
            default_sort=self.settings.default_sort,
            search=(*(name for name, f in self.fields.items() if f.options.get("search")), *self.settings.search),
        )

    @property
    def _sorts(self) -> tuple[str, ...]:
        return (*(name for name, f in self.fields.items() if f.options.get("sort")), "created_at")

    def _answer(self, verb: Verb) -> type[Schema]:
        return self.written if verb.writes else self.view

    # -- operations --------------------------------------------------------------------------------------------------

    def operations(self) -> list[Operation]:
        """All of them, and its verbs."""
        return [getattr(self.owner, kind) for kind in naming.KINDS if hasattr(self.owner, kind)] + [
            *self.verbs.values()
        ]

    def references(self) -> Iterator[tuple[str, str]]:
        """Each field that refers to a resource, and to which."""
        for name, field in self.fields.items():
            if isinstance(field, Refers) and not field.planned:
                yield name, field.to

    def operation(self, kind: str) -> Operation:
        """One of the five that every resource may have."""
        made = Operation(
            self.names.route(kind),
            self.settings.summaries.get(kind) or self.names.summary(kind),
            self._permission(kind),
            name=self.names.operation(kind),
            declared=self.owner,
            all_companies=kind in self.settings.all_companies,
            **self._of_kind(kind),
        )
        if kind in ("create", "update"):
            made.rules = tuple(self.rules)
        return made

    def _of_kind(self, kind: str) -> dict[str, Any]:
        match kind:
            case "create":
                made = {"request": self.creation, "imported": self.row, "response": self.written, "status": 201}
                return made | {"idempotency": self.settings.idempotency}
            case "update":
                return {"request": self.change, "response": self.changed}
            case "get":
                return {"response": self.one}
            case "list":
                return {"response": self.view, "listing": self.listing}
        return {}

    def _permission(self, kind: str) -> str:
        return naming.permission(self.permission, kind, self.settings.permissions)


def _id(told: str) -> fields.Uuid:
    return fields.Uuid(metadata={"title": "Id", "description": told})


def possible_verbs() -> fields.Open:
    told = "With `with=verbs`: for each verb null where it is possible now, else the `code` and `detail` of why not."
    return fields.Open(metadata={"title": "Verbs", "description": told})


def record(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that every record has around its own."""
    return {
        "id": _id("Identifies the record, here and in every other service."),
        **members,
        "created_at": fields.Instant(metadata={"title": "Created at", "description": "When it was created."}),
        "updated_at": fields.Instant(metadata={"title": "Updated at", "description": "When it was last changed."}),
        "version": fields.Whole(metadata={"title": "Version", "description": "Counts its changes; see If-Match."}),
    }
