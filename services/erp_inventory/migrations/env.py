"""Alembic runs this: the tree of erp_inventory."""

from shared.migrations import run

run("erp_inventory")
