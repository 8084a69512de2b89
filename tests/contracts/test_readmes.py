"""The READMEs of services have one form, and their tables are those of the contracts."""

import re

import pytest

from shared import contracts
from tests.contracts import readmes


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_tables_are_those_of_the_contract(service: str) -> None:
    assert readmes.file_of(service).read_text(encoding="utf-8") == readmes.written(service), "run `make contracts`"


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_form(service: str) -> None:
    """Name, what it is for, what it owns; then what else there is to say; then what is written by `make contracts`."""
    text = readmes.by_hand(service)
    name, purpose, *_ = text.split("\n\n")
    assert name == f"# {service}" and not purpose.startswith(("#", "-", "*"))
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[0] == "Owns", sections
    assert not {"Operations", "Publishes", "Listens", "Refuses"} & set(sections)
