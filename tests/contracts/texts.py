"""`make contracts` adds the texts of declarations to the French catalogues; whoever declares something translates it."""

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from shared import contracts
from shared.schema import texts


def wanted(service: str) -> set[str]:
    """Everything that the declared resources of a service say to people; of "shared" what is said of every record."""
    if service == texts.EVERYWHERE:
        return set(texts.of_every_record())
    return {text for resource in contracts.resources(service).values() for text in texts.texts(resource.declaration)}


def untranslated(service: str) -> list[str]:
    """What lacks French."""
    known = {message.id for message in texts.read(service) if message.id and message.string and not message.fuzzy}
    return sorted(wanted(service) - known)


def outdated(service: str) -> list[str]:
    """What the catalogue has and nothing says any more."""
    return sorted({str(message.id) for message in texts.read(service) if message.id} - wanted(service))


def write() -> None:
    """Write the catalogues anew: translated texts stay, new ones are empty, what nothing says any more goes."""
    for service in (*contracts.SERVICES, texts.EVERYWHERE):
        if all_ := wanted(service):
            _extend(service, all_)


def _extend(service: str, all_: set[str]) -> None:
    old, new = texts.read(service), Catalog(locale="fr", project=service)
    for message in old:
        if message.id in all_:
            new.add(message.id, message.string, context=message.context)
    for text in sorted(all_ - {str(message.id) for message in old}):
        new.add(text)
    texts.FOLDER.mkdir(parents=True, exist_ok=True)
    with (texts.FOLDER / f"{service}.po").open("wb") as stream:
        write_po(stream, new, width=0, omit_header=True, sort_output=True)
