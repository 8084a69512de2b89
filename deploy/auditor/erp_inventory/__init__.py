"""Stock, its moves and its reservations."""
