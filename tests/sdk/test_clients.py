"""The clients that are generated from the document work: the first order with each of them."""

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy import sdk
from tests.suite import Suite


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sdk.write_document(tmp_path_factory.mktemp("sdk") / "openapi.json")


@pytest.fixture(scope="module")
def client(document: Path) -> Iterator[str]:
    """The generated package, importable."""
    package = sdk.python_client(document, document.parent / "python")
    sys.path.insert(0, str(package.parent))
    yield package.name
    sys.path.remove(str(package.parent))


def test_first_order_in_python(client: str, running: Suite) -> None:
    """Typed requests, typed answers: ids are UUIDs, states are values of an enum, amounts are strings."""

    def of(path: str) -> Any:
        return importlib.import_module(f"{client}.{path}")

    models = of("models")
    api = of("client").AuthenticatedClient(base_url=running.base_url, token=running.api.token)
    with api:
        product = models.ProductCreate(sku=f"SDK-{uuid4()}", name="brass lamp", sale_price="120.00")
        lamp = of("api.products.products_create").sync_detailed(client=api, body=product)
        contact = models.ContactCreate.from_dict({"kind": "organization", "name": "SDK", "roles": ["customer"]})
        customer = of("api.contacts.contacts_create").sync_detailed(client=api, body=contact)
        events = ",".join(made.headers["X-Event-Id"] for made in (lamp, customer))
        line = models.LineRequest(product_id=lamp.parsed.id, quantity="2")
        order = models.OrderCreate(customer_id=customer.parsed.id, lines=[line])
        draft = of("api.orders.orders_create").sync(client=api, body=order, wait_for=events)
        placed = of("api.orders.orders_place").sync(draft.id, client=api, idempotency_key=str(uuid4()))
        assert (placed.id, placed.status.value, placed.net_total) == (draft.id, "placed", "240.00")
        again = of("api.orders.orders_place").sync(draft.id, client=api, idempotency_key=str(uuid4()))
        assert isinstance(again, models.Problem) and again.code == "invalid_transition"


def test_first_order_in_typescript(document: Path) -> None:
    """The example compiles against the types of today."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    types = sdk.typescript_types(document, document.parent / "typescript")
    assert '"/v1/orders/{id}/place"' in types.read_text(encoding="utf-8")


def test_no_package_comes_from_elsewhere() -> None:
    """The lock names versions and hashes, and leaves the registry to whoever installs."""
    lock = json.loads((sdk.TEMPLATE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: found for name, found in lock["packages"].items() if name}
    assert packages and all("resolved" not in found and "integrity" in found for found in packages.values())
