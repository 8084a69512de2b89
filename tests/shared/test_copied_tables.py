"""Copies in tables that have no class follow the latest event: what may change changes, the rest stays as it began."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from crm_sales.service import CrmSales
from shared.contracts import crm_contacts as contacts
from shared.kernel.ids import new_id
from tests.harness import Harness


def _kept(sales: Harness) -> list[tuple[Any, ...]]:
    with sales.session() as session:
        found = session.execute(
            text("SELECT id, name, type, options, required, label_fr FROM custom_field ORDER BY name")
        )
        return [tuple(row) for row in found]


def test_definitions_of_custom_fields_are_copied(service: Callable[[type], Harness]) -> None:
    sales, one, other = service(CrmSales), new_id(), new_id()

    def told(id_: Any, name: str, **changed: Any) -> dict[str, Any]:
        same = {"resource": "orders", "name": name, "kind": "choice", "options": ["a", "b"], "required": False}
        return {"custom_field_id": id_, **same, "label_en": "Region", "label_fr": "Région", **changed}

    sales.deliver(contacts.CustomFieldCreated(**told(one, "area")))
    sales.deliver(contacts.CustomFieldCreated(**told(other, "region")))
    changed = told(one, "renamed", kind="text", options=["a", "b", "c"], required=True, label_fr="Zone")
    sales.deliver(contacts.CustomFieldUpdated(**changed))
    kept = (one, "area", "choice", ["a", "b", "c"], True, "Zone")
    assert _kept(sales) == [kept, (other, "region", "choice", ["a", "b"], False, "Région")]
    sales.deliver(contacts.CustomFieldDeleted(custom_field_id=other, resource="orders", name="region"))
    assert _kept(sales) == [kept]
