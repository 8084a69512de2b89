"""What a checked filter of a list means in SQL, and what stands there in the place of a column that has many values."""

from collections.abc import Callable
from functools import partial
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, false, func, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import RelationshipProperty

from shared.kernel import folding
from shared.kernel.refusals import BadRequest

EXTERNAL = "external_ids."


class Holds:
    """Stands where a list query expects a column; `any_of(values)` is the condition that one of them is held.

    `none` is the condition that nothing is held, `text` the column in which parts of words are looked for, if any.
    """

    def __init__(
        self,
        name: str,
        any_of: Callable[[list[Any]], ColumnElement[bool]],
        none: ColumnElement[bool],
        text: Any = None,
    ) -> None:
        self.name, self.any_of, self.none, self.text = name, any_of, none, text

    def condition(self, operator: str, value: Any) -> ColumnElement[bool]:
        """Raises BadRequest for an operator that says nothing about many values."""
        match operator:
            case "eq":
                return self.any_of([value])
            case "ne":
                return not_(self.any_of([value]))
            case "in":
                return self.any_of(value)
            case "is_null":
                return self.none if value else not_(self.none)
            case "contains" | "starts" if self.text is not None:
                found: ColumnElement[bool] = condition(self.text, operator, value)
                return found
        operators = ["eq", "ne", "in", "is_null", *(("contains", "starts") if self.text is not None else ())]
        raise BadRequest([{"pointer": f"?{self.name}", "code": "unknown_filter"}], operators=operators)


def tags(name: str, column: Any) -> Holds:
    """A JSON list of texts, compared as all texts are; the GIN index on `folded_list` answers."""
    return Holds(name, partial(folding.held_in, column), func.jsonb_array_length(column) == 0)


def held_in_list(name: str, column: Any) -> Holds:
    """A JSON list of words from a closed list, such as roles; its GIN index answers."""

    def any_of(values: list[Any]) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column.op("?|", is_comparison=True)(cast(array(values), ARRAY(Text)))
        return found

    return Holds(name, any_of, func.jsonb_array_length(column) == 0)


def held_in_part(name: str, parts: Any) -> Holds:
    """What the parts of a resource refer to: `parts` is the relationship of the lines, or a column of ids."""
    if not isinstance(parts.property, RelationshipProperty):
        return Holds(name, partial(_overlaps, parts), func.coalesce(func.cardinality(parts), 0) == 0)
    column = getattr(parts.property.entity.class_, name)
    return Holds(name, lambda values: parts.any(column.in_(values)), not_(parts.any(column.is_not(None))))


def _overlaps(column: Any, values: list[Any]) -> ColumnElement[bool]:
    return func.coalesce(column.overlap(cast(array(values), column.type)), false())


def external_id(name: str, column: Any) -> Holds:
    """The id that one other system gave, in a JSON object of all of them. Equal is what that system wrote: its ids may
    differ in case alone, as those of Salesforce do."""
    source = name.removeprefix(EXTERNAL)

    def any_of(values: list[Any]) -> ColumnElement[bool]:
        return or_(*(column.contains({source: value}) for value in values))

    return Holds(name, any_of, not_(column.has_key(source)), column[source].astext)


def condition(column: Any, operator: str, value: Any, text: bool = False) -> Any:
    """One filter of a list: eq, ne, gt, gte, lt, lte, in, contains, starts, is_null.

    `text` says that the value is free text, which is compared without case and accents.
    """
    if isinstance(column, Holds):
        return column.condition(operator, value)
    match operator:
        case "is_null":
            return column.is_(None) if value else column.is_not(None)
        case "contains":
            return folding.containing(column, value)
        case "starts":
            return folding.starting(column, value)
    sides = (folding.folded(column), folding.compared(value)) if text else (column, value)
    return _COMPARED[operator](*sides)


_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": eq,
    "ne": ne,
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
    "in": lambda column, values: column.in_(values),
}
