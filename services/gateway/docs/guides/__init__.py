"""The guides that stand in the description of the document, so that every reader of OpenAPI shows them."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def guide(language: str) -> str:
    """All guides in "fr", or else in English, as Markdown."""
    name = "fr" if language == "fr" else "en"
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


_EVENTS = {"en": ("Events and webhooks", "Subscriptions"), "fr": ("Événements et webhooks", "Abonnements")}


def of_events(language: str) -> str:
    """What of them is about events."""
    parts = ("\n" + guide(language)).split("\n## ")
    return "\n\n".join(f"## {part.strip()}" for part in parts if part.startswith(_EVENTS[language]))
