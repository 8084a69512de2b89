"""Which refusals a function can end in, read from its source and from the annotations; nothing is carried out.

From a function lead: the functions and classes of Liaison that it names, and the methods it calls on what annotations say is
there: those of its arguments, of what it calls, and of its own object's attributes. `with OrderProcess.of(…) as process`
leads into the methods of the frame, into its entering and leaving, and to the refusal that its class names (`unknown`).
A refusal counts where it is made or
raised, not where it is caught. What a call through a table or a variable leads to is not seen, so an operation may refuse
with more than this finds.
"""

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from shared import contracts
from shared.kernel.refusals import Refusal

_PACKAGES = ("shared", *contracts.SERVICES)
_Named = tuple[str, ...]
_ITSELF = (("self",), ("cls",))


def refusals_of(function: Callable[..., Any], owner: type | None = None) -> set[type[Refusal]]:
    """Everything that may be raised on the way; `owner` is the class whose method this is."""
    found: set[type[Refusal]] = set()
    seen: set[tuple[FunctionType, type | None]] = set()
    left = [(_plain(function), owner)]
    while left:
        step = left.pop()
        if step not in seen:
            seen.add(step)
            raised, called = _of(*step)
            found |= raised
            left += called
    return found


@cache
def _of(
    function: FunctionType, owner: type | None
) -> tuple[set[type[Refusal]], list[tuple[FunctionType, type | None]]]:
    """(refusals it makes, what it calls)."""
    raised: set[type[Refusal]] = set()
    called: list[tuple[FunctionType, type | None]] = []
    named = _named(function)
    objects = [o for o in (_resolved(name, function.__globals__) for name in named) if o is not None]
    for found in objects:
        if _is_refusal(found):
            raised.add(found)
        elif isinstance(found, FunctionType) and _is_ours(found):
            called.append((found, None))
    made = {o for o in objects if isinstance(o, type) and _is_ours(o) and not issubclass(o, Refusal)}
    own = {name[-1] for name in named if name[:-1] in _ITSELF}
    raised |= {found for name in own if _is_refusal(found := getattr(owner, name, None))}
    there = made | _annotated(function) | {cls for callee, _ in called for cls in _annotated(callee)}
    there |= {cls for name, cls in _parts(owner) if name in {mine.lstrip("_") for mine in own}}
    there |= {cls for name in own if owner and (method := _method(owner, name)) for cls in _annotated(method)}
    there |= {
        cls for generic in (*made, owner) for base in getattr(generic, "__orig_bases__", ()) for cls in _classes(base)
    }
    for cls in there | ({owner} if owner else set()):
        members = {name[-1] for name in named if name[:-1] not in _ITSELF} if cls in there else set()
        members |= (own if cls is owner else set()) | ({"__init__"} if cls in made else set())
        called += [(method, cls) for name in members if (method := _method(cls, name)) is not None]
    return raised, called


def _named(function: FunctionType) -> set[_Named]:
    """Dotted names that are called, raised or handed on, e.g. `Invalid.at` as ("Invalid", "at")."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return set()
    framed = any(isinstance(node, ast.With) for node in ast.walk(tree))
    entered = {("", "__enter__"), ("", "__exit__")} if framed else set()
    return entered | {name for node in _outside_catching(tree) if (name := _dotted(node))}


def _is_refusal(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Refusal)


def _outside_catching(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but what `except` names, what `isinstance` compares with, and annotations."""
    yield node
    for field, child in ast.iter_fields(node):
        if isinstance(node, ast.ExceptHandler) and field == "type":
            continue
        if field in ("annotation", "returns", "decorator_list"):
            continue
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("isinstance", "issubclass")
            and field == "args"
        ):
            continue
        for one in child if isinstance(child, list) else [child]:
            if isinstance(one, ast.AST):
                yield from _outside_catching(one)


def _dotted(node: ast.AST) -> _Named:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (*(_dotted(node.value) or ("",)), node.attr)
    return ()


def _resolved(name: _Named, known: dict[str, Any]) -> Any:
    """What a dotted name stands for; of `Invalid.at` and `Order.draft` the class, of `module.name` what is in the module."""
    found = known.get(name[0])
    for part in name[1:]:
        if not isinstance(found, ModuleType) or not found.__name__.startswith(_PACKAGES):
            break
        found = getattr(found, part, None)
    return inspect.unwrap(found) if isinstance(found, FunctionType) else found


@cache
def _annotated(function: FunctionType) -> set[type]:
    """The classes of Liaison in the annotations, also within unions and lists."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        return set()
    return {cls for hint in hints.values() for cls in _classes(hint)}


@cache
def _parts(cls: type | None) -> list[tuple[str, type]]:
    """The attributes of a class that are of classes of Liaison: annotated, or given to its constructor by their name."""
    hints: dict[str, Any] = {}
    for annotated in (cls, cls and cls.__init__):  # type: ignore[misc]
        try:
            hints |= typing.get_type_hints(annotated) if annotated else {}
        except (NameError, TypeError):
            continue
    return [(name.lstrip("_"), part) for name, hint in hints.items() for part in _classes(hint)]


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and _is_ours(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


def _method(cls: type, name: str) -> FunctionType | None:
    found = inspect.getattr_static(cls, name, None)
    found = getattr(found, "__func__", getattr(found, "fget", found))
    return found if isinstance(found, FunctionType) and _is_ours(found) else None


def _is_ours(found: Any) -> bool:
    return str(found.__module__).split(".")[0] in _PACKAGES


def _plain(function: Callable[..., Any]) -> FunctionType:
    found = inspect.unwrap(getattr(function, "func", getattr(function, "__func__", function)))
    if not isinstance(found, FunctionType):
        found = type(found).__call__  # type: ignore[operator]
    return typing.cast(FunctionType, found)
