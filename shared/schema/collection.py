"""Collections: what the declared operations of a service have in common under one path."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.schema.contract import Operation
from shared.wire import fields


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection such as `/v1/contacts` with the operations that are declared on it and on its members."""

    name: str
    path: str
    create: Operation | None
    get: Operation | None
    list: Operation | None
    patch: Operation | None
    delete: Operation | None

    @property
    def row(self) -> type[fields.Schema] | None:
        """What a row of a file that is imported may say."""
        return (self.create.imported or self.create.request) if self.create else None

    @property
    def comes_with_secret(self) -> bool:
        """Whether making one shows a secret, once: then they are made one by one, never in bulk."""
        return self.create is not None and _holds_secret(self.create.response)

    @property
    def takes_secret(self) -> bool:
        """Whether one can be made with a secret: a file would hold many of them, and is kept as it came."""
        return any(o is not None and _holds_secret(o.request) for o in (self.create, self.patch))

    @property
    def snake(self) -> str:
        """`journal_entries` of `/v1/journal-entries`, for names of operations."""
        return self.name.replace("-", "_")

    @property
    def camel(self) -> str:
        """`JournalEntries` of `/v1/journal-entries`, for names of schemas."""
        return "".join(word.title() for word in self.name.split("-"))


def collections_of(operations: Iterable[Operation]) -> list[Collection]:
    """Every collection that has both a list and a way to read one member, in the order of their paths."""
    by_route = {operation.route: operation for operation in operations}
    paths = sorted(o.path for o in by_route.values() if o.method == "GET" and o.listing and not o.path_parameters)
    return [_resource(path, by_route) for path in paths if f"GET {path}/{{id}}" in by_route]


def _resource(path: str, by_route: dict[str, Operation]) -> Collection:
    member = f"{path}/{{id}}"
    return Collection(
        name=path.rpartition("/")[2],
        path=path,
        create=by_route.get(f"POST {path}"),
        get=by_route.get(f"GET {member}"),
        list=by_route.get(f"GET {path}"),
        patch=by_route.get(f"PATCH {member}"),
        delete=by_route.get(f"DELETE {member}"),
    )


def _holds_secret(schema: type[fields.Schema] | None) -> bool:
    return schema is not None and any(isinstance(field, fields.Secret) for field in schema().fields.values())
