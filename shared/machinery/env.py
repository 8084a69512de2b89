"""Alembic runs this for the tree and on the connection that `shared/storage/migrator.py` gives it."""

from alembic import context

context.configure(**context.config.attributes)
context.run_migrations()
