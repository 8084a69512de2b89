"""`make contracts` writes the pages of permissions and roles of the guides, from the declarations."""

from pathlib import Path

from gateway.identity.built_in import ROLES
from shared import contracts

_DOCS = Path(contracts.__file__).parents[2] / "docs"
_PAGES = {
    _DOCS / "en" / "permissions.md": (
        "# Permissions and roles\n\nWritten by `make contracts`. A role or API key holds permissions or patterns of them"
        " (`sales.*:read`, `*` for all); with `@own` or `@team` behind it, a permission is for the records that one owns"
        " or those of one's team. What somebody may not read, a body of theirs cannot name (`not_found`)."
        " `GET /v1/permissions` lists them too, with the operations that ask for each.",
        "| Permission | Lets its holder |",
        "| Built-in role | Holds |",
    ),
    _DOCS / "fr" / "permissions.md": (
        "# Permissions et rôles\n\nÉcrit par `make contracts`. Un rôle ou une clé d'API détient des permissions ou des"
        " motifs (`sales.*:read`, `*` pour toutes) ; suivie de `@own` ou `@team`, une permission vaut pour ses propres"
        " documents ou ceux de son équipe. Ce que l'on ne peut pas lire, une requête ne peut pas le nommer"
        " (`not_found`). `GET /v1/permissions` les énumère aussi, avec les opérations qui les demandent.",
        "| Permission | Permet de |",
        "| Rôle intégré | Détient |",
    ),
}


def current() -> dict[Path, str]:
    """The pages by their file."""
    return {file: _page(*texts, language=n) for n, (file, texts) in enumerate(_PAGES.items())}


def _page(intro: str, permission: str, role: str, language: int) -> str:
    meanings = [f"| `{name}` | {label[language]} |" for name, label in contracts.labels().items()]
    roles = [f"| `{name}` | {', '.join(f'`{p}`' for p in patterns)} |" for name, patterns in sorted(ROLES.items())]
    line = "| --- | --- |"
    return "\n".join([intro, "", permission, line, *meanings, "", role, line, *roles]) + "\n"


def write() -> None:
    for file, text in current().items():
        file.write_text(text, encoding="utf-8")
