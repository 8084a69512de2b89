"""The stored things of the books, with their behaviour. They never see a session."""

from erp_finance.models.base import Base
from erp_finance.models.billing import BillingDocument, CreditNote, Invoice, InvoiceLine
from erp_finance.models.customers import CreditApproval, CreditLimit, Customer, CustomerAccount
from erp_finance.models.ledger import AccountBalance, DraftLine, JournalEntry, JournalLine, LedgerAnchor, LedgerHead
from erp_finance.models.orders import SalesOrder, SalesOrderLine, Share
from erp_finance.models.organisation import Account, Company, FiscalYear, Journal, Period, TaxCode
from erp_finance.models.payments import Allocation, Payment

__all__ = [
    "Account", "AccountBalance", "Allocation", "Base", "BillingDocument", "Company", "CreditApproval", "CreditLimit",
    "CreditNote", "Customer", "CustomerAccount", "DraftLine", "FiscalYear", "Invoice", "InvoiceLine", "Journal",
    "JournalEntry", "JournalLine", "LedgerAnchor", "LedgerHead", "Payment", "Period", "SalesOrder", "SalesOrderLine",
    "Share", "TaxCode",
]  # fmt: skip
