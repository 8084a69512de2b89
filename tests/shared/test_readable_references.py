"""D7. Copies that say who may name what are told of it by the services that own it, on installations from before."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from crm_contacts.service import CrmContacts
from erp_inventory.service import ErpInventory
from gateway.service import Gateway
from shared.kernel.ids import new_id
from shared.schema.contract import Event
from tests.conftest import ROOT, Databases
from tests.gateway.conftest import company
from tests.harness import Harness

OWNER, ELSEWHERE = new_id(), new_id()

AS_THEN = {"announced_companies": "ALTER TABLE app_user ADD COLUMN team text"}
AS_NOW = {"announced_companies": "ALTER TABLE app_user DROP COLUMN team"}
"""What later migrations changed of the tables that one reads."""


def contact(house: Harness) -> Any:
    addresses = [{"type": "shipping", "country": "BE"}, {"type": "legal", "country": "FR"}]
    body = {"kind": "organization", "name": "Lumen", "roles": ["customer"], "addresses": addresses}
    house.call("create_contact", body={"kind": "organization", "name": "Nobody's"})
    return house.call("create_contact", body={**body, "owner_id": str(OWNER)}, actor=str(OWNER))


def product(house: Harness) -> Any:
    body = {"name": "Lamp", "sale_price": "1.00", "tax_code": "S20"}
    house.call("create_product", body={**body, "sku": "here"})
    return house.call("create_product", body={**body, "sku": "there"}, company_id=ELSEWHERE)


def user(house: Harness) -> Any:
    company(house, ELSEWHERE)
    body = {"name": "X", "roles": ["sales"], "password": "plum-kettle-orbit-7"}
    house.call("create_user", body={**body, "email": "all@lamp.example"})
    return house.call("create_user", body={**body, "email": "one@lamp.example", "companies": [str(ELSEWHERE)]})


def run(migration: Path, connection: Connection) -> None:
    """What a migration tells, where its tables are new already."""
    spec = importlib.util.spec_from_file_location(migration.stem, migration)
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.op = SimpleNamespace(get_bind=lambda: connection, execute=lambda statement: None)
    module.upgrade()


@pytest.mark.parametrize(
    ("cls", "make", "topic"),
    [
        (CrmContacts, contact, "readable_references"),
        (ErpInventory, product, "readable_references"),
        (Gateway, user, "announced_companies"),
    ],
)
def test_what_copies_lack_is_told_again(
    service: Callable[[type], Harness],
    databases: Databases,
    cls: type,
    make: Callable[[Harness], Any],
    topic: str,
) -> None:
    house = service(cls)
    made = make(house)
    (before,) = [event for event in house.published() if str(event.aggregate_id) == made["id"]]
    (migration,) = (ROOT / "services" / house.name / "migrations" / "versions").glob(f"*_{topic}.py")
    owned = create_engine(
        make_url(databases.admin_url).set(drivername="postgresql+psycopg2", database=house.engine.url.database)
    )
    with owned.begin() as connection:
        connection.execute(text(AS_THEN.get(topic, "SELECT 1")))
        run(migration, connection)
        connection.execute(text(AS_NOW.get(topic, "SELECT 1")))
    owned.dispose()
    (told,) = house.published()
    assert facts(told) == facts(before)


def facts(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.to_data().items() if name != "changes"}
