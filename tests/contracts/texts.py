"""`make contracts` adds the texts of declarations to the French catalogues; whoever declares something translates it."""

from functools import cache

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from gateway.docs import asyncapi, openapi, translating
from shared import contracts
from shared.schema import texts

CATALOGUES = (*contracts.SERVICES, texts.EVERYWHERE, texts.DOCUMENT)


def wanted(service: str) -> set[str]:
    """Everything that the declared resources of a service say to people; of "shared" what is said of every record, of
    "document" what the documents of the API say and nothing of these does.
    """
    if service == texts.EVERYWHERE:
        return set(texts.of_every_record())
    if service == texts.DOCUMENT:
        return _documented() - {text for one in CATALOGUES[:-1] for text in wanted(one)}
    return {text for resource in contracts.resources(service).values() for text in texts.texts(resource.declaration)}


@cache
def _documented() -> set[str]:
    documents = openapi.source(), asyncapi.source()
    return {text for document in documents for text in translating.sentences(document)}


def untranslated(service: str) -> list[str]:
    """What lacks French."""
    known = {message.id for message in texts.read(service) if message.id and message.string and not message.fuzzy}
    return sorted(wanted(service) - known)


def outdated(service: str) -> list[str]:
    """What the catalogue has and nothing says any more."""
    return sorted({str(message.id) for message in texts.read(service) if message.id} - wanted(service))


def write() -> None:
    """Write the catalogues anew: translated texts stay, new ones are empty, what nothing says any more goes."""
    known = texts.everywhere()
    for service in CATALOGUES:
        if all_ := wanted(service):
            _extend(service, all_, known)


def _extend(service: str, all_: set[str], known: dict[str, str]) -> None:
    """A text that is said elsewhere now keeps its French."""
    old, new = texts.read(service), Catalog(locale="fr", project=service)
    for message in old:
        if message.id in all_:
            new.add(message.id, message.string, context=message.context)
    for text in sorted(all_ - {str(message.id) for message in old}):
        new.add(text, known.get(text, ""))
    texts.FOLDER.mkdir(parents=True, exist_ok=True)
    with (texts.FOLDER / f"{service}.po").open("wb") as stream:
        write_po(stream, new, width=0, omit_header=True, sort_output=True)
