"""What an invoice says: legal number, legal mentions."""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")

NOTES = (
    {
        "code": "PMT",
        "text": "Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : 40 €"
        " (C. com. L441-10 et D441-5).",
    },
    {
        "code": "PMD",
        "text": "En cas de retard de paiement, pénalités au taux de refinancement de la BCE majoré de 10 points"
        " (C. com. L441-10).",
    },
    {"code": "AAB", "text": "Pas d'escompte pour paiement anticipé."},
)
"""The mentions that every French invoice carries, by UNTDID 4451 subject code."""

ON_DEBITS = {"code": "TXD", "text": "Option pour le paiement de la taxe d'après les débits"}
"""A company that pays VAT on services when they are invoiced says so on its invoices (CGI ann. III art. 77; ann. II art. 242
nonies A, as amended by décret 2022-1299). The option does not concern goods."""


def notes(kinds: Iterable[str], vat_on_debits: bool) -> list[dict[str, str]]:
    """The mentions of an invoice over lines of these kinds."""
    return [*NOTES, ON_DEBITS] if vat_on_debits and "service" in kinds else list(NOTES)


def legal_number(prefix: str, year: int, ordinal: int) -> str:
    """FA-2026-00001: unique, gap-free, and only of characters that e-invoicing allows (at most 35).

    Raises ValueError for a prefix that breaks the rule.
    """
    number = f"{prefix}-{year}-{ordinal:05}"
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{number!r} is not allowed as the number of an invoice")
    return number


def billing_mode(kinds: Iterable[str]) -> str:
    """The nature of the operation (BT-23): B1 goods, S1 services, M1 both."""
    services = {kind == "service" for kind in kinds}
    return "M1" if len(services) == 2 else "S1" if True in services else "B1"


def revenue_account(kind: str) -> str:
    """706 for services, 707 for everything that is delivered."""
    return "706" if kind == "service" else "707"
