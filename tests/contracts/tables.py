"""`make contracts` writes beside each service what runs for each of its routes, so that a search finds it."""

from pathlib import Path

from deploy.explain import ROOT, table
from shared import contracts


def file_of(service: str) -> Path:
    return ROOT / "services" / service / "ROUTES.md"


def write() -> None:
    for service in contracts.SERVICES:
        file_of(service).write_text(table(service), encoding="utf-8")
