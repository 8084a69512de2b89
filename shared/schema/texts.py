"""The texts of declarations: English where they are declared, French in `shared/locale/fr/<service>.po` (gettext).

`make contracts` adds what is new to the catalogues, to be translated there; a test says what lacks French.
A text that means different things in different places has its context there, such as `orders.status`.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import marshmallow as ma

from shared.schema.declaration import Declaration, possible_verbs, record
from shared.schema.fields import Choice, Currency
from shared.schema.group import Group, Members, line_id
from shared.schema.lists import Lines, Many, Part
from shared.wire import fields

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

FOLDER = Path(__file__).resolve().parents[1] / "locale" / "fr"

EVERYWHERE = "shared"
"""The catalogue of what every record has."""

DOCUMENT = "document"
"""The catalogue of what the documents of the API say and no declaration of a resource does."""


def french(service: str, text: str, context: str = "") -> str:
    """A text in French; in English where the catalogue lacks it."""
    found = _french(service)
    return found.get((context, text)) or found.get(("", text)) or _of_all(text) or text


def translated(service: str, text: str, language: str, context: str = "") -> str:
    """A text in "fr", or else in English."""
    return french(service, text, context) if language == "fr" else text


def of_every_record() -> Iterator[str]:
    """What is said of the members that every record has."""
    for field in (*record({}).values(), possible_verbs(), line_id()):
        yield field.metadata["title"]
        yield field.metadata["description"]


def titles(schema: type[ma.Schema], language: str) -> dict[str, str]:
    """The names of the members that clients send, by path, as their declaration has them: `lines.0.quantity` is one of a part."""
    service = schema.__module__.removeprefix("shared.contracts.").partition(".")[0]
    found: dict[str, str] = {}
    for name, field in schema().load_fields.items():
        if title := field.metadata.get("title"):
            found[name] = translated(service, title, language)
        inner, at = (field.inner, f"{name}.0") if isinstance(field, fields.Many) else (field, name)
        if isinstance(inner, fields.Part):
            found |= {f"{at}.{member}": title for member, title in titles(type(inner.schema), language).items()}
    return found


def texts(declaration: Declaration) -> Iterator[str]:
    """Everything that a declaration says to people."""
    yield from declaration.settings.title
    yield from (o.summary for o in declaration.operations())
    for verb in declaration.verbs.values():
        yield verb.title
        if verb.group:
            yield from _of_group(verb.group)
    yield from _of_members(declaration)


def _of_members(members: Members) -> Iterator[str]:
    yield members.described
    for field in members.fields.values():
        yield field.title
        yield field.description
        each = field.each if isinstance(field, Many) else field
        if isinstance(each, Choice) and not isinstance(each, Currency):
            yield from each.names.values()
        if isinstance(field, (Lines, Part)):
            yield from _of_group(field.of)


def _of_group(group: type[Group]) -> Iterator[str]:
    yield from _of_members(group.members)


def _of_all(text: str) -> str | None:
    return _french(EVERYWHERE).get(("", text)) or _french(DOCUMENT).get(("", text))


@cache
def everywhere() -> dict[str, str]:
    """French by English from all catalogues; what documents say and what every record has wins."""
    services = sorted(file.stem for file in FOLDER.glob("*.po") if file.stem not in (EVERYWHERE, DOCUMENT))
    every = [_french(service) for service in (*services, DOCUMENT, EVERYWHERE)]
    return {text: french for found in every for (context, text), french in found.items() if not context}


@cache
def _french(service: str) -> dict[tuple[str, str], str]:
    found = read(service)
    return {(str(m.context or ""), str(m.id)): str(m.string) for m in found if m.id and m.string and not m.fuzzy}


def read(service: str) -> "Catalog":
    """The French catalogue of a service. Babel is imported by who needs it: it would be a tenth of the start."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    file = FOLDER / f"{service}.po"
    if not file.exists():
        return Catalog(locale="fr", project=service)
    with file.open("rb") as stream:
        return read_po(stream, locale="fr")
