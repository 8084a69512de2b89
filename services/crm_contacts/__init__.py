"""Contacts: who people and organizations are and how to reach them. Not what is sold to them (crm_sales)."""
