"""From a row of cells to the body of a request, by a mapping of columns that is compiled once per file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.tables.cells import Flaw, Read, reader
from shared.tables.limits import Cell
from shared.tables.numbers import Notation
from shared.tables.paths import REST, Column, by_header, resolve
from shared.tables.typed import Numeral, restored, typed
from shared.wire.fields import Part, Schema


@dataclass(slots=True)
class Reading:
    """A row as it is read. `errors` and `warnings` are [{pointer, code}], pointers as the columns have them; `moved` are
    elements of lists that stand at another index than their columns, because columns before them are empty.
    """

    cells: Sequence[Cell]
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    numerals: bool = False


_NOTHING: Any = object()
_Build = Callable[[Reading], Any]


class _Node:
    """A place of the document: a cell, or an object or list of further places, with what always stands there."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.members: dict[str | int, _Node] = {}
        self.constants: dict[str | int, Any] = {}
        self.cell: _Build | None = None

    def at(self, steps: Iterable[str | int]) -> "_Node":
        node = self
        for step in steps:
            node = node.members.setdefault(step, _Node(f"{node.path}/{step}"))
        return node

    def compiled(self) -> _Build:
        if self.cell is not None:
            return self.cell
        keys = [*self.members, *self.constants]
        return self._list() if any(isinstance(key, int) or key == REST for key in keys) else self._object()

    def _object(self) -> _Build:
        members = [(str(name), node.compiled()) for name, node in self.members.items()]
        constants = {str(name): value for name, value in self.constants.items()}

        def build(row: Reading) -> Any:
            found = {}
            for name, member in members:
                value = member(row)
                if value is not _NOTHING:
                    found[name] = value
            whole = {**constants, **found}
            if row.numerals:
                self._restore(whole, row)
            return whole if found else _NOTHING

        return build

    def _restore(self, document: dict[str, Any], row: Reading) -> None:
        """Put codes where numbers stand, once what stands beside them is known."""
        for name, value in list(document.items()):
            if isinstance(value, Numeral):
                pointer = f"{self.path}/{name}"
                try:
                    document[name] = code = restored(value, document)
                except Flaw as flaw:
                    del document[name]
                    row.errors.append({"pointer": pointer, "code": flaw.code})
                    continue
                if code != value:
                    row.warnings.append({"pointer": pointer, "code": "zeros_restored"})

    def _list(self) -> _Build:
        rest = self.members.pop(REST).compiled() if REST in self.members else None
        elements = [(index, self.members[index].compiled()) for index in sorted(self.members, key=int)]

        def build(row: Reading) -> Any:
            found: list[Any] = []
            for index, element in elements:
                value = element(row)
                if value is not _NOTHING:
                    if len(found) != index:
                        row.moved.append((f"{self.path}/{len(found)}", f"{self.path}/{index}"))
                    found.append(value)
            more = rest(row) if rest else _NOTHING
            if isinstance(more, list):
                found += more
            elif more is not _NOTHING:
                found.append(more)
            return found or _NOTHING

        return build


class Mapping:
    """Which column goes where. `ignored` are headers that go nowhere, `unknown` names what a mapping got wrong.

    Columns that `chosen` does not name are recognised by their headers; one that it gives no path is left out.
    """

    def __init__(
        self,
        schema: type[Schema],
        headers: Sequence[str],
        chosen: dict[str, str] | None = None,
        defaults: dict[str, str] | None = None,
        decimal_sign: str | None = None,
    ) -> None:
        chosen = chosen or {}
        self.headers, self.by_path, self.index = headers, dict[str, str](), dict[str, int]()
        self.unknown = [name for name in chosen if name not in headers]
        self._sign, root = decimal_sign, _Node()
        for index in sorted(range(len(headers)), key=lambda at: headers[at] not in chosen):
            column = _column(schema, headers[index], headers, chosen)
            if column is not None and column.path not in self.by_path:
                self.by_path[column.path], self.index[column.path] = headers[index], index
                root.at(column.steps).cell = self._cell(index, column)
        taken = set(self.index.values())
        self.ignored = [header for index, header in enumerate(headers) if index not in taken]
        for path, value in (defaults or {}).items():
            column = resolve(schema, path)
            if column is not None and column.path not in self.by_path:
                root.at(column.steps[:-1]).constants[column.steps[-1]] = reader(column.field)(value)
        self._build = root.compiled()

    def read(self, cells: Sequence[Cell]) -> tuple[dict[str, Any], Reading]:
        """The body of a request, in which an empty cell says nothing, and what is to be said of the cells."""
        row = Reading(cells)
        found = self._build(row)
        for error in (*row.errors, *row.warnings):
            error["column"] = self.place_of(error["pointer"])
        return {} if found is _NOTHING else found, row

    def place_of(self, pointer: str, moved: Iterable[tuple[str, str]] = ()) -> tuple[str | None, int | None]:
        """The header and the index of the column that a JSON pointer leads to, or into."""
        for stands, column in moved:
            if (pointer + "/").startswith(stands + "/"):
                pointer = column + pointer[len(stands) :]
                break
        path = pointer.strip("/").replace("/", ".")
        while path:
            if path in self.by_path:
                return self.by_path[path], self.index[path]
            path = path.rpartition(".")[0]
        return None, None

    def _cell(self, index: int, column: Column) -> _Build:
        notation = Notation(self._sign, exact=self.headers[index].strip() == column.path)
        read = reader(column.field, notation)
        if column.steps[-1] == REST:
            read = _of_rest(column.field, read)
        read_typed = typed(column.field, read)
        pointer = "/" + column.path.replace(".", "/")

        def build(row: Reading) -> Any:
            cell = row.cells[index] if index < len(row.cells) else ""
            if not cell:
                return _NOTHING
            try:
                if isinstance(cell, str):
                    return read(cell)
                value = read_typed(cell)
            except Flaw as flaw:
                row.errors.append({"pointer": pointer, "code": flaw.code})
                return _NOTHING
            row.numerals = row.numerals or isinstance(value, Numeral)
            return value

        return build


def _of_rest(field: Any, read: Read) -> Read:
    """Elements that an export wrote as JSON, without the members that no request has, as columns of such are ignored."""
    known = set(field.inner.schema.load_fields) if isinstance(field.inner, Part) else set()

    def rest(text: str) -> Any:
        value = read(text)
        if not (known and isinstance(value, list)):
            return value
        return [{n: v for n, v in e.items() if n in known} if isinstance(e, dict) else e for e in value]

    return rest


def _column(schema: type[Schema], header: str, headers: Sequence[str], chosen: dict[str, str]) -> Column | None:
    if header in chosen:
        return resolve(schema, chosen[header]) if chosen[header] else None
    return by_header(schema, header, headers)
