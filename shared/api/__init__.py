"""Carrying out operations: handlers, callers and their rights, lists, record rules."""
