"""From a row of cells to the body of a request, by a mapping of columns that is compiled once per file."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.fields import Schema
from shared.tables.cells import reader
from shared.tables.paths import REST, Column, by_header, resolve

Cells = Sequence[str]
_NOTHING: Any = object()
_Build = Callable[[Cells], Any]


class _Node:
    """A place of the document: a cell, or an object or list of further places, with what always stands there."""

    def __init__(self) -> None:
        self.members: dict[str | int, _Node] = {}
        self.constants: dict[str | int, Any] = {}
        self.cell: _Build | None = None

    def at(self, steps: Iterable[str | int]) -> "_Node":
        node = self
        for step in steps:
            node = node.members.setdefault(step, _Node())
        return node

    def compiled(self) -> _Build:
        if self.cell is not None:
            return self.cell
        keys = [*self.members, *self.constants]
        return self._list() if any(isinstance(key, int) or key == REST for key in keys) else self._object()

    def _object(self) -> _Build:
        members = [(str(name), node.compiled()) for name, node in self.members.items()]
        constants = {str(name): value for name, value in self.constants.items()}

        def build(cells: Cells) -> Any:
            found = {}
            for name, member in members:
                value = member(cells)
                if value is not _NOTHING:
                    found[name] = value
            return {**constants, **found} if found else _NOTHING

        return build

    def _list(self) -> _Build:
        rest = self.members.pop(REST).compiled() if REST in self.members else None
        elements = [self.members[index].compiled() for index in sorted(self.members, key=int)]

        def build(cells: Cells) -> Any:
            found = [value for element in elements if (value := element(cells)) is not _NOTHING]
            more = rest(cells) if rest else _NOTHING
            if isinstance(more, list):
                found += more
            elif more is not _NOTHING:
                found.append(more)
            return found or _NOTHING

        return build


class Mapping:
    """Which column goes where. `ignored` are headers that go nowhere, `unknown` names what a mapping got wrong."""

    def __init__(
        self,
        schema: type[Schema],
        headers: Sequence[str],
        chosen: dict[str, str] | None = None,
        defaults: dict[str, str] | None = None,
    ) -> None:
        self.headers, self.by_path, self.index = headers, dict[str, str](), dict[str, int]()
        self.ignored: list[str] = []
        self.unknown = [name for name in chosen or {} if name not in headers]
        root = _Node()
        for index, header in enumerate(headers):
            column = _column(schema, header, headers, chosen)
            if column is None or column.path in self.by_path:
                self.ignored.append(header)
            else:
                self.by_path[column.path], self.index[column.path] = header, index
                root.at(column.steps).cell = _cell(index, column)
        for path, value in (defaults or {}).items():
            column = resolve(schema, path)
            if column is not None and column.path not in self.by_path:
                root.at(column.steps[:-1]).constants[column.steps[-1]] = reader(column.field)(value)
        self._build = root.compiled()

    def body(self, cells: Cells) -> dict[str, Any]:
        """The body of a request; an empty cell says nothing."""
        found = self._build(cells)
        return {} if found is _NOTHING else found

    def header_of(self, pointer: str) -> str | None:
        """The header of the column that a JSON pointer leads to, or into."""
        path = pointer.strip("/").replace("/", ".")
        while path:
            if path in self.by_path:
                return self.by_path[path]
            path = path.rpartition(".")[0]
        return None


def _column(schema: type[Schema], header: str, headers: Sequence[str], chosen: dict[str, str] | None) -> Column | None:
    if not chosen:
        return by_header(schema, header, headers)
    return resolve(schema, chosen[header]) if header in chosen else None


def _cell(index: int, column: Column) -> _Build:
    read = reader(column.field)

    def build(cells: Cells) -> Any:
        text = cells[index] if index < len(cells) else ""
        return read(text) if text else _NOTHING

    return build
