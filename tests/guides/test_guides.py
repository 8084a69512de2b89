"""The commands of the guides are carried out as they stand there, in both languages, against the running suite.

Those about webhooks need somebody who listens: `tests/gateway/webhooks/test_process.py`.
"""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.guides.guide import EVENTS, FIRST, IMPORT, SIGN_IN, WEBHOOKS, blocks, carry_out
from tests.suite import Suite

WORDS = (
    ("lampe en laiton", "brass lamp"),
    ("stock initial", "opening stock"),
    ("Société", "Company"),
    ("Courriel", "Mail"),
    ("Ville", "City"),
    (' -H "Accept-Language: fr"', ""),
    ("contacts-export.csv", "contacts-out.csv"),
    ("boutique", "shop"),
)
"""What a reader sees in French, and in English."""


@pytest.mark.parametrize("language", FIRST)
def test_first_order(language: str, running: Suite, tmp_path: Path) -> None:
    adjustment, total, status, shipped, invoice = carry_out(blocks(FIRST[language]), running, tmp_path)
    assert (total, status, shipped) == ("288.00", "confirmed", "shipped")
    assert running.api.get("/v1/invoices", number=invoice)["data"][0]["gross_total"] == total
    assert adjustment


@pytest.mark.parametrize("language", EVENTS)
def test_events(language: str, running: Suite, tmp_path: Path) -> None:
    """What is asked for, and what the stream sends, is about the contact that was made; AMQP tells of the next one."""
    commands = blocks(FIRST[language])[:SIGN_IN] + blocks(EVENTS[language])
    contact, asked, streamed, received, permission = carry_out(commands, running, tmp_path)
    assert asked == streamed == f"contact/{contact}"
    assert running.api.get(f"/v1/contacts/{contact}")["name"] == "Maison Durand"
    assert (received, permission) == ("liaison.crm_contacts.contact.created.v1", "contacts.contacts:read")


@pytest.mark.parametrize("language", IMPORT)
def test_import_of_contacts(language: str, running: Suite, tmp_path: Path) -> None:
    """A batch sent twice has one effect; a trial leaves nothing, an import is undone, an export has its headers."""
    commands = blocks(FIRST[language])[:SIGN_IN] + blocks(IMPORT[language])
    first, again, tried, created, deleted, header = carry_out(commands, running, tmp_path)
    assert first == again and (tried, created, deleted) == ("2", "2", "2")
    assert running.api.get(f"/v1/contacts/{first}")["external_ids"] == {"old-crm": "4712"}
    assert not running.api.get("/v1/contacts", name="Atelier Martin")["data"]
    assert header.lstrip("\ufeff") == ("kind;name" if language == "fr" else "kind,name")


@pytest.mark.parametrize("guide", [FIRST, EVENTS, WEBHOOKS, IMPORT], ids=lambda guide: str(guide["en"]))
def test_both_languages_say_the_same(guide: dict[str, str]) -> None:
    """The same commands but for the words that a reader sees."""
    french = "\n".join(blocks(guide["fr"]))
    for word, english in WORDS:
        french = french.replace(word, english)
    assert french == "\n".join(blocks(guide["en"])) and french


def test_every_guide_has_its_twin_and_every_link_its_target() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(([a-z]{2}/[a-z-]+\.md)\)", index))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").glob("*/*.md")}
    assert linked == there and len([name for name in there if name.startswith("en/")]) * 2 == len(there)
