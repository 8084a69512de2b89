"""The table of contents of the books."""

from erp_finance.companies import Companies
from erp_finance.customers import Customers
from erp_finance.entries import Bookkeeping
from erp_finance.invoices import Invoicing
from erp_finance.orders import Ordering
from erp_finance.payments import Paying
from erp_finance.periods import Periods
from erp_finance.reports import Reporting
from erp_finance.stock import StockAccounting


class ErpFinance(
    Companies, Periods, Customers, Ordering, Invoicing, Paying, StockAccounting, Bookkeeping, Reporting
):  # fmt: skip
    """Companies, ledger, tax, customer invoices, payments, credit."""

    name = "erp_finance"
