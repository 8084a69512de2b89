"""What a declaration is refused for when its module is imported: each refusal names class and field."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from shared.schema.declared import Declared, Options

_OPTIONS = Options.__annotations__.keys()
OF_EVERY_RECORD = ("id", "created_at", "updated_at", "version")


def refuse(cls: type, name: str, why: str) -> NoReturn:
    raise TypeError(f"{cls.__module__}.{cls.__name__}.{name} {why}")


def body(cls: type) -> None:
    """Fields are objects, and are not called like what every declaration has."""
    for name, value in vars(cls).items():
        if isinstance(value, type) and issubclass(value, Declared):
            refuse(cls, name, f"is the class {value.__name__}; write {value.__name__}(…)")
        if isinstance(value, Declared) and (name in OF_EVERY_RECORD or _is_taken(cls, name)):
            refuse(cls, name, "has a name that every declaration uses already; choose another one")


def _is_taken(cls: type, name: str) -> bool:
    bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("shared.schema.")]
    return any(name in vars(base) or name in getattr(base, "__annotations__", {}) for base in bases)


def options(cls: type, fields: Mapping[str, Declared]) -> None:
    """The options of each field exist and go together."""
    for name, field in fields.items():
        given, kind = field.options, type(field).__name__
        if unknown := sorted(given.keys() - _OPTIONS):
            refuse(cls, name, f"has the unknown option {unknown[0]!r}; there are {', '.join(sorted(_OPTIONS))}")
        if given.get("sort") and not field.sortable:
            refuse(cls, name, f"is a {kind}, by which nothing is sorted")
        if given.get("search") and not field.searchable:
            refuse(cls, name, f"is a {kind}, in which nothing is searched")
        if given.get("required") and ("default" in given or not field.is_sent):
            refuse(cls, name, "is required, so clients send it and it has no default")


def beginnings(cls: type, fields: Mapping[str, Declared]) -> None:
    """A new record has a value in each of its columns."""
    for name, field in fields.items():
        if not field.has_beginning:
            refuse(cls, name, "has no value where a creation leaves it out: say required, null, default or optional")


def states(cls: type, verb: str, named: Iterable[str], known: tuple[str, ...]) -> None:
    """A verb starts from states that there are, and leads to one."""
    for state in named:
        if state not in known:
            refuse(cls, verb, f"names the unknown state {state!r}; there are {', '.join(known) or 'none'}")


def shown(cls: type, names: Iterable[str], fields: Mapping[str, Any]) -> None:
    """Labels, columns and sorts are fields."""
    for name in names:
        if name not in fields and name not in OF_EVERY_RECORD:
            refuse(cls, name, "is no field, so it is neither label nor column nor sort")


def reference(cls: type, name: str, target: str, resources: Iterable[str]) -> None:
    """What a field refers to is a resource; asked when all contracts are there."""
    if target not in resources:
        refuse(cls, name, f"refers to {target!r}, which is no resource")
