"""Alembic's entry."""

from shared.migrations import run

run("crm_sales")
