"""Events and operations of `erp_finance`."""

from shared.contracts.erp_finance.accounts import *  # noqa: F403
from shared.contracts.erp_finance.companies import *  # noqa: F403
from shared.contracts.erp_finance.credit_events import *  # noqa: F403
from shared.contracts.erp_finance.credit_limits import *  # noqa: F403
from shared.contracts.erp_finance.fiscal_years import *  # noqa: F403
from shared.contracts.erp_finance.invoice_events import *  # noqa: F403
from shared.contracts.erp_finance.invoices import *  # noqa: F403
from shared.contracts.erp_finance.journal_entries import *  # noqa: F403
from shared.contracts.erp_finance.journals import *  # noqa: F403
from shared.contracts.erp_finance.payment_events import *  # noqa: F403
from shared.contracts.erp_finance.payments import *  # noqa: F403
from shared.contracts.erp_finance.reports import *  # noqa: F403
from shared.contracts.erp_finance.tax_codes import *  # noqa: F403

JOBS = 0x3AF
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS = {
    "finance.companies:read": ("see the own companies", "voir ses propres sociétés"),
    "finance.companies:write": ("create and change own companies", "créer et modifier ses propres sociétés"),
    "finance.accounts:read": ("see the chart of accounts", "voir le plan comptable"),
    "finance.accounts:write": ("add and change accounts", "ajouter et modifier des comptes"),
    "finance.journals:read": ("see the journals", "voir les journaux comptables"),
    "finance.tax_codes:read": ("see tax codes and their rates", "voir les codes de TVA et leurs taux"),
    "finance.periods:read": ("see fiscal years and periods", "voir les exercices et les périodes"),
    "finance.periods:write": ("open fiscal years", "ouvrir des exercices"),
    "finance.periods:lock": (
        "lock periods, and post in softly locked ones",
        "verrouiller des périodes et comptabiliser dans celles qui ne le sont que provisoirement",
    ),
    "finance.entries:read": (
        "see journal entries and verify the ledger",
        "voir les écritures et vérifier le grand livre",
    ),
    "finance.entries:write": ("draft journal entries", "préparer des écritures"),
    "finance.entries:post": ("post and reverse journal entries", "comptabiliser et extourner des écritures"),
    "finance.invoices:read": ("see invoices and credit notes", "voir les factures et les avoirs"),
    "finance.invoices:write": ("draft invoices", "préparer des factures"),
    "finance.invoices:issue": ("issue and credit invoices", "émettre des factures et des avoirs"),
    "finance.payments:read": ("see payments", "voir les paiements"),
    "finance.payments:write": ("draft payments", "préparer des paiements"),
    "finance.payments:post": (
        "post, allocate and reverse payments",
        "comptabiliser, affecter et extourner des paiements",
    ),
    "finance.credit_limits:read": ("see credit limits and what customers owe", "voir les encours et leurs plafonds"),
    "finance.credit_limits:write": ("set credit limits", "fixer des plafonds d'encours"),
    "finance.reports:read": ("read the reports of accounting", "lire les états comptables"),
}
"""What each permission lets its holder do, in English and French."""
