"""Names and helps of declared resources are in both languages."""

import pytest

from shared import contracts
from shared.schema.texts import french
from tests.contracts import texts

SERVICES = [name for name in texts.CATALOGUES if name not in contracts.SERVICES or contracts.resources(name)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_text_of_a_declaration_has_its_french(service: str) -> None:
    """`make contracts` adds what is new to shared/locale/fr/<service>.po, to be translated there."""
    assert not texts.untranslated(service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_catalogue_has_nothing_that_nobody_says(service: str) -> None:
    assert not texts.outdated(service)


def test_a_text_without_french_stays_english() -> None:
    assert french("crm_contacts", "Teams") == "Équipes"
    assert french("crm_contacts", "No such text") == "No such text"
    assert french("no_service", "Teams") == "Teams"
