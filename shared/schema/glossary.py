"""What the members of contracts mean: a name means one thing everywhere, so it is said once, in `glossary.json`.

A declaration that says more wins (`help`); the documents of the API take from here what no declaration says.
"""

import json
from pathlib import Path

_GROUPS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

MEANINGS = {name: text for group in _GROUPS.values() for name, text in group.items()}


def meaning(name: str) -> str:
    """The sentence about a member; "" where nothing is known of it."""
    return MEANINGS.get(name, "")
