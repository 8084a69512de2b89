"""What the permissions of a declared resource let their holder do, in English and French."""

from shared.schema.declaration import Declaration
from shared.schema.texts import french

_SENTENCES = {
    "read": ("see {many}", "voir les {plusieurs}"),
    "write": ("create and change {many}", "créer et modifier des {plusieurs}"),
    "write and delete": ("create, change and delete {many}", "créer, modifier et supprimer des {plusieurs}"),
    "manage": ("define {many}", "définir des {plusieurs}"),
    "delete": ("delete {many}", "supprimer des {plusieurs}"),
}


def meanings(declaration: Declaration) -> dict[str, tuple[str, str]]:
    """By permission; the verbs beyond these four are explained by the contract itself."""
    many = declaration.settings.title[1]
    names = {"many": _small(many), "plusieurs": _small(french(declaration.service, many))}
    deleting = next((o.permission for o in declaration.operations() if o.method == "DELETE"), "")
    found = {}
    for operation in declaration.operations():
        area, _, verb = operation.permission.partition(":")
        if area == declaration.permission and verb in _SENTENCES:
            english, other = _SENTENCES[
                "write and delete" if operation.permission == deleting and verb == "write" else verb
            ]
            found[operation.permission] = (english.format(**names), other.format(**names))
    return found


def _small(words: str) -> str:
    return words[:1].lower() + words[1:]
