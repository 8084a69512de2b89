"""Webhooks: signed events over HTTPS, in order, until they have arrived."""
