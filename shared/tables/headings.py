"""The headers that people are given to fill in: English and French words that an import recognises, else the path."""

import re
from collections.abc import Iterator
from typing import Any

import marshmallow as ma

from shared.schema.texts import titles
from shared.tables.paths import SPREAD, Column, by_header, resolve
from shared.wire import fields
from shared.wire.fields import Schema

_FIRST = re.compile(r"\.([0-9])\.")

_OF_PARTS = {
    "emails.0.value": ("E-mail", "E-mail"),
    "parent.name": ("Company", "Société"),
    "phones.0.value": ("Phone number", "Téléphone"),
    "type": ("Address type", "Type d'adresse"),
}
"""Members of parts, by their path or by their last word."""

_FRENCH = {
    "name": ("Nom", "Raison sociale"),
    "language": ("Langue",),
    "active": ("Actif",),
}


def headings(schema: type[Schema], language: str, more: list[str]) -> list[str]:
    """A header for every column that an import takes, what is required first. `more` are paths of free keys."""
    required = {name for name, field in schema().load_fields.items() if field.required}
    columns = sorted(columns_asked(schema), key=lambda c: (c.path == "id", c.steps[0] not in required))
    paths = [c.path for c in columns]
    return [*(heading(schema, path, language, paths) for path in paths), *more]


def columns_asked(schema: type[Schema]) -> Iterator[Column]:
    """The columns of what clients send; of a list of parts the first elements."""
    for name, field in schema().load_fields.items():
        for path in _paths(name, field):
            if column := resolve(schema, path):
                yield column


def _paths(name: str, field: ma.fields.Field[Any]) -> list[str]:
    if isinstance(field, fields.Custom):
        return []
    if isinstance(field, fields.Part):
        return [f"{name}.{member}" for member in field.schema.load_fields]
    if isinstance(field, fields.Many) and isinstance(field.inner, fields.Part):
        members = field.inner.schema.load_fields
        return [f"{name}.{index}.{member}" for index in range(SPREAD) for member in members]
    return [name]


def heading(schema: type[Schema], path: str, language: str, others: list[str]) -> str:
    """The first of its words that an import takes for this path and no other."""
    for words in _words(schema, path, language):
        found = by_header(schema, words, others)
        if found is not None and found.path == path:
            return words
    return path


def _words(schema: type[Schema], path: str, language: str) -> Iterator[str]:
    """Its name in the declaration, and words that imports know; `Ville`, and `Ville 2` for the second element of a list."""
    first = _FIRST.sub(".0.", path)
    place = _FIRST.search(path)
    number = f" {int(place[1]) + 1}" if place and place[1] != "0" else ""
    if title := titles(schema, language).get(first):
        yield title + number
    if "." in path:
        pair = _OF_PARTS.get(first) or _OF_PARTS.get(first.rpartition(".")[2])
        yield from (pair[language == "fr"] + number,) if pair else ()
    elif language == "fr":
        yield from _FRENCH.get(path, ())
    else:
        yield path.replace("_", " ").capitalize()
