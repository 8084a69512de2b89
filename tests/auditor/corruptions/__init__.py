"""What may go wrong with good data, as SQL that no service would ever run, and which invariants must notice.

Mostly one invariant notices a corruption. Where a changed fact really breaks several promises, all are listed.
Every list of corruptions in a module of this folder is tried.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from tests.auditor.corruptions.corruption import BOOKS, Corruption


def _found() -> Iterator[Corruption]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            yield from (one for one in value if isinstance(one, Corruption)) if isinstance(value, list) else ()


ALL = list(_found())

__all__ = ["ALL", "BOOKS", "Corruption"]
