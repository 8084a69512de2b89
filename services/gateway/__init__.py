"""The HTTP edge: sign-in, permissions, limits and documentation, generated from the contracts of all services."""
