"""Words as they are compared: `Prénom ` and `prenom`, `Réf. client` and `ref client` are the same."""

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def plain_words(text: str) -> str:
    """`Réf. client` → `ref_client`: without accents, capitals and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in letters if not unicodedata.combining(c))
    return "_".join(re.findall("[^\\W_]+", kept))
