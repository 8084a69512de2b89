"""Invoices, payments, credit, the ledger and its numbers."""
