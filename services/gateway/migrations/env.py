"""Migrates the gateway's database."""

from shared.migrations import run

run("gateway")
