"""What happens in Liaison, for others: the store of all events and the ways to read it."""
