"""The tables of crm_sales and their behaviour."""

from crm_sales.models.base import Base
from crm_sales.models.order import Order, OrderLine
from crm_sales.models.progress import OrderInvoice
from crm_sales.models.quote import Quote, QuoteLine
from crm_sales.models.replicas import Customer, Product, TaxRate

__all__ = [
    "Base",
    "Customer",
    "Order",
    "OrderInvoice",
    "OrderLine",
    "Product",
    "Quote",
    "QuoteLine",
    "TaxRate",
]
