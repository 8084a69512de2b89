"""Quotes, sales orders, and the process from order to cash. Not stock (erp_inventory), not invoices (erp_finance)."""
