"""Models of declared resources: their constraints and indexes come from the declaration, their columns are compared."""

from collections.abc import Container, Iterator, Mapping
from typing import Any, NoReturn

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Table, UniqueConstraint, func, inspect, text
from sqlalchemy.types import NullType

from shared.kernel import folding
from shared.schema import Custom, Resource, Tags
from shared.schema import Table as FreeTable
from shared.schema.declared import Declared

MODELS: dict[type[Resource], Any] = {}
"""The mapped class of each declared resource whose service has been imported."""


def complete(model: Any, of: type[Resource]) -> None:
    """Give a mapped class the constraints and indexes of its declaration. Raises TypeError where columns differ.

    Where the class itself has a constraint or an index of the same name, that one counts.
    """
    complete_fields(model, of.declaration.fields)
    table, mapped, own = model.__table__, inspect(model).columns, _own(model)
    for names in of.declaration.settings.unique:
        _unique(table, own, *(mapped[name] for name in names))
    if hasattr(of, "list"):
        _index(table, own, "created_at", [mapped["created_at"], mapped["id"]])
    MODELS[of] = model


def complete_fields(model: Any, fields: Mapping[str, Declared]) -> None:
    """The same for what has fields only, such as the lines of a document."""
    mapped, own = inspect(model).columns, _own(model)
    for name, field in fields.items():
        column = mapped.get(name)
        if column is None:
            if not field.is_stored:
                continue
            _refuse(model, name, "is declared, and no column")
        _compare(model, name, column, field)
        _constrain(model.__table__, own, column, field)


def _own(model: Any) -> set[Any]:
    return {item.name for item in (*model.__table__.constraints, *model.__table__.indexes)}


def referred(of: type[Resource], name: str) -> Any:
    """The mapped class that a field's foreign key leads to."""
    model = MODELS[of]
    (key,) = inspect(model).columns[name].foreign_keys
    return next(m.class_ for m in model.registry.mappers if m.local_table is key.column.table)


def check_references(of: type[Resource], own: Container[str]) -> None:
    """What a field refers to of the resources that the service itself owns is held by a foreign key. Raises TypeError.

    Not what a handler sets and nobody sends: an accepted quote names its order, also when that draft is deleted.
    """
    for name, target in of.declaration.references():
        column, field = inspect(MODELS[of]).columns.get(name), of.declaration.fields[name]
        if column is None or (getattr(field, "by_handler", False) and not field.is_sent):
            continue
        if target in own and not column.foreign_keys:
            _refuse(MODELS[of], name, f"refers to {target} of the same service and has no ForeignKey")


def _compare(model: Any, name: str, column: Column[Any], field: Declared) -> None:
    if (found := _python(column)) not in (None, field.python):
        _refuse(model, name, f"is {found.__name__}, declared as {field.python.__name__}")
    if column.nullable and not field.null:
        _refuse(model, name, "may be null, which its declaration does not say")
    if field.null and not column.nullable:
        _refuse(model, name, "may be null by its declaration, and not in the table")


def _python(column: Column[Any]) -> Any:
    """What a column holds; None for a foreign key of which it is known only with a later class."""
    if column.foreign_keys and isinstance(column.type, NullType):
        return None
    return object if isinstance(column.type, ARRAY) else column.type.python_type


def _refuse(model: type, name: str, why: str) -> NoReturn:
    raise TypeError(f"{model.__module__}.{model.__name__}.{name} {why}")


def _constrain(table: Table, own: Container[Any], column: Column[Any], field: Declared) -> None:
    condition = field.check(column.name)
    if isinstance(column.type, ARRAY):
        condition = condition.replace("jsonb_array_length", "cardinality")
    if condition and f"ck_{table.name}_{column.name}" not in own:
        table.append_constraint(CheckConstraint(text(condition), name=column.name))
    if field.options.get("unique"):
        _unique(table, own, column)
    if field.options.get("index"):
        for name, expressions, settings in _indexes(column, field):
            _index(table, own, name, expressions, **settings)


def _unique(table: Table, own: Container[Any], *columns: Column[Any]) -> None:
    if "_".join(("uq", table.name, *(column.name for column in columns))) not in own:
        table.append_constraint(UniqueConstraint(*columns))


def _index(table: Table, own: Container[Any], name: str, expressions: list[Any], **settings: Any) -> None:
    if (full := f"ix_{table.name}_{name}") not in own:
        Index(full, *expressions, **settings)


def _indexes(column: Column[Any], field: Declared) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """What serves filters, sorts and searches as `conditions.py` and `keyset.py` make them."""
    gin = {"postgresql_using": "gin"}
    match field:
        case Tags():
            yield column.name, [func.folded_list(column)], gin
        case Custom() | FreeTable():
            yield column.name, [column], gin | {"postgresql_ops": {column.name: "jsonb_path_ops"}}
        case _ if folding.is_text(column) and field.searchable:
            folded = folding.folded(column)
            if field.options.get("filter") or field.options.get("search"):
                pattern = folded.label("folded")
                yield f"{column.name}_trgm", [pattern], gin | {"postgresql_ops": {"folded": "gin_trgm_ops"}}
            if field.options.get("sort"):
                yield f"{column.name}_folded", [folded, column.table.c.id], {}
        case _:
            yield column.name, [column, column.table.c.id], {}
