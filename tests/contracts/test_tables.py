"""`make explain` and the tables of routes tell what runs."""

import pytest

from deploy.explain import explain, table
from shared import contracts
from tests.contracts.tables import file_of


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_the_table_of_routes_is_up_to_date(service: str) -> None:
    """`make contracts` writes it anew."""
    assert file_of(service).read_text(encoding="utf-8") == table(service)


def test_an_explanation_names_the_declaration_and_what_runs() -> None:
    told = "\n".join(explain("activities"))
    assert "activities is declared in shared/contracts/crm_contacts/activities.py:" in told
    assert "GET /v1/activities\n    list_activities  contacts.activities:read  – → Activity" in told
    assert "shared/derived/plain.py:_list.list_" in told
    assert (
        "services/crm_contacts/models/activities.py:Activity.complete (services/crm_contacts/models/activities.py:"
        in told
    )
    assert "services/crm_contacts/registry.py:Registry.create_contact" in "\n".join(explain("contacts"))
