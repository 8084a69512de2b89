"""How Liaison is started, set up and seeded."""
