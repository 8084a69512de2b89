"""Alembic runs this: the tree of erp_finance."""

from shared.migrations import run

run("erp_finance")
