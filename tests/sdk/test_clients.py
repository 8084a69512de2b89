"""The clients that are generated from the document work: the first order with each of them."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy import sdk
from gateway.webhooks import signing
from tests.suite import ADMIN, Suite


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


@pytest.fixture
def api(client: str, running: Suite) -> Iterator[Any]:
    """The generated client with the retrying transport."""
    transport = importlib.import_module(f"{client}.retrying").Retrying()
    cls = importlib.import_module(f"{client}.client").AuthenticatedClient
    with cls(base_url=running.base_url, token=running.api.token, httpx_args={"transport": transport}) as found:
        yield found


def of(client: str, path: str) -> Any:
    return importlib.import_module(f"{client}.{path}")


def test_first_order_in_python(client: str, api: Any) -> None:
    """Typed requests, typed answers: ids are UUIDs, states are values of an enum, amounts are strings, keys are made."""
    models = of(client, "models")
    product = models.ProductCreate(sku=f"SDK-{uuid4()}", name="brass lamp", sale_price="120.00")
    lamp = of(client, "api.products.products_create").sync_detailed(client=api, body=product)
    contact = models.ContactCreate.from_dict({"kind": "organization", "name": "SDK", "roles": ["customer"]})
    customer = of(client, "api.contacts.contacts_create").sync_detailed(client=api, body=contact)
    events = ",".join(made.headers["X-Event-Id"] for made in (lamp, customer))
    order = models.OrderCreate.from_dict(
        {"customer_id": str(customer.parsed.id), "lines": [{"product_id": str(lamp.parsed.id), "quantity": "2"}]}
    )
    draft = of(client, "api.orders.orders_create").sync(client=api, body=order, wait_for=events)
    placing = of(client, "api.orders.orders_place")
    placed = placing.sync(draft.id, client=api)
    assert (placed.id, placed.status.value, placed.net_total) == (draft.id, "placed", "240.00")
    again = placing.sync(draft.id, client=api, idempotency_key=str(uuid4()))
    assert isinstance(again, models.Problem) and again.code == "invalid_transition"


def test_lists_are_read_page_by_page_with_filters_that_have_names(client: str, api: Any) -> None:
    """The wire has `sku[starts]`, the parameter is `sku_starts`."""
    models, start = of(client, "models"), f"PAGE-{uuid4()}"
    creating = of(client, "api.products.products_create")
    for number in range(3):
        body = models.ProductCreate(sku=f"{start}-{number}", name="lamp", sale_price="1.00")
        assert creating.sync_detailed(client=api, body=body).status_code == 201
    each = of(client, "paging").each
    listing = of(client, "api.products.products_list")
    found = [product.sku for product in each(listing.sync, client=api, sku_starts=start, sort="sku", limit=2)]
    assert found == [f"{start}-{number}" for number in range(3)]
    with pytest.raises(of(client, "paging").ListRefused, match="bad_request"):
        list(each(listing.sync, client=api, cursor="no cursor"))


def test_the_typescript_client_places_an_order_and_pages(document: Path, running: Suite) -> None:
    """The layer and the example compile against the types of today, and run."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = document.parent / "typescript"
    types = sdk.typescript_client(document, folder)
    assert '"/v1/orders/{id}/place"' in types.read_text(encoding="utf-8") and "sku_starts?" in types.read_text("utf-8")
    compiled = ["--noEmit", "false", "--outDir", "out", "--module", "es2022"]
    subprocess.run(["npx", "--no-install", "tsc", *compiled], cwd=folder, check=True)
    for name in ("first-order", "liaison"):  # node wants the ending of a module, a bundler does not
        file = folder / "out" / f"{name}.js"
        file.write_text(re.sub(r'from "(\./\w+)"', r'from "\1.js"', file.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "out" / "run.js").write_text(_RUN, encoding="utf-8")
    given = {"URL": running.base_url, "EMAIL": ADMIN["email"], "PASSWORD": ADMIN["password"], "TOKEN": running.api.token, **_signed()}
    done = subprocess.run(["node", "out/run.js"], cwd=folder, env=os.environ | given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"status": "placed", "skus": True, "event": "x", "forged": True}


_RUN = """
import { firstOrder, skus } from "./first-order.js";
import { verifyWebhook } from "./liaison.js";
const { URL, EMAIL, PASSWORD, TOKEN, SECRET, BODY, HEADERS } = process.env;
const order = await firstOrder(URL, EMAIL, PASSWORD);
const found = await skus(URL, TOKEN, "LAMP-");
const body = new TextEncoder().encode(BODY);
const event = await verifyWebhook(body, new Headers(JSON.parse(HEADERS)), SECRET);
const forged = await verifyWebhook(new Uint8Array([...body, 32]), new Headers(JSON.parse(HEADERS)), SECRET).then(() => false, () => true);
console.log(JSON.stringify({ status: order.status, skus: found.length > 0 && found.every((sku) => sku.startsWith("LAMP-")), event: event.type, forged }));
process.exit(0);
"""


def _signed() -> dict[str, str]:
    """A webhook's message as the gateway signs it."""
    secret, body = signing.new_secret(), b'{"type":"x"}'
    headers = signing.headers(str(uuid4()), datetime.now(UTC), body, [secret])
    return {"SECRET": secret, "BODY": body.decode(), "HEADERS": json.dumps(headers)}


def test_no_package_comes_from_elsewhere() -> None:
    """The lock names versions and hashes, and leaves the registry to whoever installs."""
    lock = json.loads((sdk.TEMPLATE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: found for name, found in lock["packages"].items() if name}
    assert packages and all("resolved" not in found and "integrity" in found for found in packages.values())
