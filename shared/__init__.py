"""How things travel between Liaison's services: contracts, bus, transactions. Never what the business decides."""
