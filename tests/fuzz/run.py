"""One run of Schemathesis against a running suite, as one user, from a seed."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.plan import inherited_environment
from gateway.identity.built_in import permissions_of
from shared.contracts import operations
from tests.flows.shop import Shop
from tests.suite import ADMIN, CHECKOUT, UNLIMITED, Refused, Suite

ROLE_PASSWORD = "another-long-password"


GATEWAY = UNLIMITED | {"LIAISON_GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
ELSEWHERE = "203.0.113.7"
"""The address that wrong passwords come from: not the one from which the run itself signs in, which would be shut out."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `report` is what Schemathesis printed, with commands that repeat each failure."""

    well: bool
    report: str


def stocked(suite: Suite) -> Suite:
    """A little of everything, so that requests find something: orders in several states, invoices, payments."""
    shop = Shop(suite)
    lamp, customer = shop.product("lamp", "120.00"), shop.customer("Maison Dupont", limit="100000")
    shop.receive(lamp, "500", "42.50")
    draft = shop.order(customer, (lamp, "1"))
    for quantity in ("1", "2"):
        shop.confirmed(shop.placed(customer, (lamp, quantity)))
    sold = shop.confirmed(shop.placed(customer, (lamp, "3")))
    shop.ship(shop.delivery(sold))
    shop.pay(customer, "50.00", *shop.invoices(sold, 1))
    shop.api.post("/v1/quotes", {"customer_id": customer["id"], "lines": [{"product_id": lamp["id"], "quantity": "1"}]})
    assert draft["status"] == "draft"
    suite.quiesce()
    return suite


def known_ids(suite: Suite) -> dict[str, list[str]]:
    """Some ids of every list: path → ids."""
    found: dict[str, list[str]] = {}
    for declared in operations().values():
        for operation in declared.values():
            if operation.listing is not None and not operation.path_parameters:
                try:
                    rows = suite.api.get(operation.path, limit=20)["data"]
                except Refused:  # a list that wants a filter
                    continue
                found[operation.path] = [row["id"] for row in rows if "id" in row]
    return {path: ids for path, ids in found.items() if ids}


def fuzz(suite: Suite, seed: int, role: str, *bounds: str) -> Outcome:
    """Let Schemathesis ask as a user with this role, within bounds such as `--max-time 60`."""
    email, password = ADMIN["email"], ADMIN["password"]
    if role != "admin":
        email, password = f"{role}@fuzz.example", ROLE_PASSWORD
        suite.user(email, role)
    env = inherited_environment() | {
        "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}",
        "SCHEMATHESIS_HOOKS": "tests.fuzz.checks",
        "FUZZ_EMAIL": email,
        "FUZZ_PASSWORD": password,
        "FUZZ_PERMISSIONS": json.dumps(permissions_of((role,))),
        "FUZZ_IDS": json.dumps(known_ids(suite)),
        "FUZZ_OWN_IDS": json.dumps(own_ids(suite)),
    }
    settings = ["--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
    arguments = ["--seed", str(seed), "--warnings", "off", "--no-color", "--no-shrink", *bounds]
    arguments += ["--header", f"X-Forwarded-For: {ELSEWHERE}"]
    arguments += ["--exclude-path", "/v1/events/stream"]  # it does not end
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *settings, "run", f"{suite.base_url}/openapi.json", *arguments],
        cwd=suite.root, env=env, capture_output=True, text=True,
    )  # fmt: skip
    return Outcome(done.returncode == 0, done.stdout + done.stderr)


def own_ids(suite: Suite) -> list[str]:
    """The ids of the accounts that runs use."""
    found = suite.sql(
        "gateway", "SELECT id::text FROM app_user WHERE email = %s OR email LIKE %s", ADMIN["email"], _OWN
    )
    return [user_id for (user_id,) in found]


_OWN = "%@fuzz.example"
