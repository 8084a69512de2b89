"""The table of contents of crm_sales."""

from crm_sales.cancelling import Cancelling
from crm_sales.drafting import Drafting
from crm_sales.ordering import Ordering
from crm_sales.quoting import Quoting
from shared.flows.company_copies import CompanyCopies
from shared.flows.custom_copies import CustomFieldCopies


class CrmSales(Quoting, Drafting, Ordering, Cancelling, CustomFieldCopies, CompanyCopies):
    """Quotes, orders, and the process from order to cash."""

    name = "crm_sales"
