"""Where a column of a table belongs in a JSON document: `name`, `emails.0.value`, `external_ids.shop`.

A list of parts is spread over its first elements; what is left of it stands as JSON in one more column
(`lines.rest`), so that nothing is lost and the number of columns is known before the first row. A list of scalars is
one cell (`a|b`), a table of free keys is one cell of JSON or one column per key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import marshmallow as ma

from shared.schema.texts import titles
from shared.tables.labels import LABELS
from shared.tables.words import plain_words
from shared.wire import codes, fields
from shared.wire.fields import Schema

SPREAD = 2
"""How many elements of a list of parts have columns of their own in an export."""

REST = "rest"

_OF_PEOPLE = {"nom": ("last_name",)} | dict.fromkeys(
    ("company", "company_name", "societe", "entreprise"), ("parent.name",)
)
"""What labels mean beside a first name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A place in a document and the field that stands there. In `steps` numbers are indexes of lists."""

    path: str
    steps: tuple[str | int, ...]
    field: ma.fields.Field[Any]


def columns_of(schema: type[ma.Schema], at: tuple[str | int, ...] = ()) -> list[Column]:
    """The columns that documents of a schema are written to, in its order."""
    return [c for name, field in schema().dump_fields.items() for c in _columns(field, (*at, name))]


def _columns(field: ma.fields.Field[Any], at: tuple[str | int, ...]) -> Iterator[Column]:
    if isinstance(field, fields.Part):
        yield from columns_of(type(field.schema), at)
    elif isinstance(field, fields.Many) and isinstance(field.inner, fields.Part) and len(at) == 1:
        for index in range(SPREAD):
            yield from columns_of(type(field.inner.schema), (*at, index))
        yield _column(field, (*at, REST))
    else:
        yield _column(field, at)


def _column(field: ma.fields.Field[Any], steps: tuple[str | int, ...]) -> Column:
    return Column(".".join(map(str, steps)), steps, field)


def resolve(schema: type[Schema], path: str) -> Column | None:
    """The place that a path names in documents that clients send, or None when there is no such place."""
    steps: list[str | int] = []
    field: ma.fields.Field[Any] | None = None
    inside: type[ma.Schema] | None = schema
    words = path.split(".")
    while words:
        word = words.pop(0)
        if inside is not None:
            field = inside().load_fields.get(word)
            if field is None:  # `email.value`, `address.town`: the first of them
                word, field = _plural(inside, word)
                words = ["0", *words]
            steps.append(word)
        elif isinstance(field, fields.Many):
            if word == REST and not words:
                return Column(path, (*steps, REST), field)
            if not (word.isdecimal() and len(word) < 3):
                return None
            field = field.inner
            steps.append(int(word))
        elif isinstance(field, (fields.Table, fields.Custom)):
            value = codes.Code() if isinstance(field, fields.Table) else fields.Scalar()
            return Column(path, (*steps, ".".join([word, *words])), value)
        if field is None:
            return None
        inside = type(field.schema) if isinstance(field, fields.Part) else None
        if not words and isinstance(field, fields.Part) and "value" in field.schema.load_fields:
            words = ["value"]  # `email` means `emails.0.value`
        if words and inside is None and not isinstance(field, (fields.Many, fields.Table, fields.Custom)):
            return None
    if field is None or isinstance(field, fields.Part):
        return None
    return Column(".".join(map(str, steps)), tuple(steps), field)


def _plural(schema: type[ma.Schema], word: str) -> tuple[str, ma.fields.Field[Any] | None]:
    """The list whose element a word names."""
    for name in (word + "s", word + "es"):
        field = schema().load_fields.get(name)
        if isinstance(field, fields.Many):
            return name, field
    return word, None


def by_header(schema: type[Schema], header: str, others: Sequence[str] = ()) -> Column | None:
    """The place that a column's header means: a path, a label in English or French, or the name of a declared field.

    Beside a first name, `nom` is the last name and `company` the company of the person.
    `Ville 2` is what `ville` means of the second element.
    """
    found = resolve(schema, header.strip())
    if found is None:
        plain = plain_words(header)
        found = resolve(schema, plain)
        people = any(plain_words(other) in ("prenom", "first_name") for other in others)
        named = _OF_PEOPLE.get(plain, ()) if people else ()
        labels = (*named, _declared(schema, plain), *(LABELS.get(plain) or _of_others(plain)))
        for label in labels if found is None else ():
            found = found or resolve(schema, label)
    return found


def _declared(schema: type[Schema], plain: str) -> str:
    """The member of a declared resource, or of the first or a later one of its parts, that has this name.

    See below for streets.
    """
    words, _, number = plain.rpartition("_")
    if path := _paths(schema).get(plain):
        return path
    path = _paths(schema).get(words, "") if number in tuple("23456789") else ""
    return path.replace(".0.", f".{int(number) - 1}.") if ".0." in path and not path.endswith(".street") else ""


@cache
def _paths(schema: type[Schema]) -> dict[str, str]:
    """The paths by their names in English and French; of parts only names that no other member has."""
    found: dict[str, set[str]] = {}
    for language in ("en", "fr"):
        for path, title in titles(schema, language).items():
            found.setdefault(plain_words(title), set()).add(path)
    own = {plain: min(paths, key=lambda path: path.count(".")) for plain, paths in found.items()}
    return {plain: path for plain, path in own.items() if "." not in path or len(found[plain]) == 1}


def _of_others(plain: str) -> tuple[str, ...]:
    """`Adresse 2` is the second line of an address in most files, not the street of another: it is not recognised."""
    words, _, number = plain.rpartition("_")
    if number not in tuple("23456789"):
        return ()
    paths = [path for path in LABELS.get(words, ()) if ".0." in path and not path.endswith(".street")]
    return tuple(path.replace(".0.", f".{int(number) - 1}.") for path in paths)
