"""`Resource`: one declaration of a collection and its members, from which schemas and operations follow.

    class Team(Resource, path="/v1/teams", permission="contacts.teams", label="name"):
        \"\"\"People who work together and see each other's records.\"\"\"

        name = Text(100, "As shown in lists.", required=True, unique=True, filter=True, sort=True, search=True)
        manager_id = Refers("users", "Who sees the team's figures.", null=True)

What a class says is kept in `Team.declaration`; `Team.create`, `.get`, `.list`, `.update` and `.delete` are its operations.
The model is `class Team(Aggregate, Base, of=teams.Team)` (`shared/storage/database.py`).
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from shared.schema.contract import Event, Operation
from shared.schema.declaration import Declaration, Settings
from shared.schema.declared import named
from shared.schema.group import Group
from shared.schema.naming import KINDS, Names
from shared.schema.publishing import events_of

F = TypeVar("F", bound=Callable[..., None])

RESOURCES: dict[str, dict[str, type["Resource"]]] = {}
"""Every declared resource by its service and its name: `RESOURCES["crm_contacts"]["teams"]`."""


def rule(function: F) -> F:
    """Marks a rule over several fields: it is given the record as it will be, and raises Invalid."""
    function.__dict__["is_rule"] = True
    return function


class Resource(Group):
    """The base of all declared resources."""

    declaration: ClassVar[Declaration]
    create: ClassVar[Operation]
    get: ClassVar[Operation]
    list: ClassVar[Operation]
    update: ClassVar[Operation]
    delete: ClassVar[Operation]
    created: ClassVar[type[Event]]
    updated: ClassVar[type[Event]]
    deleted: ClassVar[type[Event]]

    def __init_subclass__(
        cls,
        *,
        path: str,
        permission: str,
        label: str | tuple[str, ...] = (),
        title: tuple[str, str] | None = None,
        operations: tuple[str, ...] = KINDS,
        default_sort: str = "-created_at",
        unique: tuple[tuple[str, ...], ...] = (),
        columns: tuple[str, ...] = (),
        permissions: Mapping[str, str] | None = None,
        summaries: Mapping[str, str] | None = None,
        filters: Mapping[str, Any] | None = None,
        search: tuple[str, ...] = (),
        events: Mapping[str, int] | None = None,
        idempotency: str = "accepted",
        all_companies: tuple[str, ...] = (),
    ) -> None:
        """`title` names one and many, `columns` are what lists show at first. `permissions` and `summaries` say where the
        resource differs from what follows (`naming.py`). Beside what fields say, lists are filtered by `filters`, and `q`
        looks into `search`. `events` numbers those that the resource publishes: created, updated, deleted. `idempotency` is
        "required" where a creation moves money or stock (`contract.py`).
        `all_companies` are the operations of what cannot be cut by company.
        """
        super().__init_subclass__()
        names = Names(cls.__name__, path)
        settings = Settings(
            names=names,
            permission=permission,
            label=(label,) if isinstance(label, str) else label,
            title=title or (named(names.one), named(names.many)),
            default_sort=default_sort,
            unique=unique,
            columns=columns,
            permissions=permissions or {},
            summaries=summaries or {},
            filters=filters or {},
            search=search,
            operations=operations,
            idempotency=idempotency,
            all_companies=all_companies,
        )
        cls.declaration = Declaration(cls, cls.members.fields, settings)
        for kind in operations:
            setattr(cls, kind, cls.declaration.operation(kind))
        for what, event in events_of(cls.members, names.one, permission, events or {}).items():
            setattr(cls, what, event)
        RESOURCES.setdefault(cls.declaration.service, {})[names.resource] = cls
