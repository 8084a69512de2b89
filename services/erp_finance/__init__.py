"""The books: companies, chart of accounts, ledger, tax, customer invoices, payments, credit."""
