"""The demo company "Atelier Lumière SARL": a lamp workshop with stock, customers and orders in every state.

Only the public HTTP API is used, so the demo data is valid by construction. Everything has a fixed id and every step
looks at the state first: running it again changes nothing, running it after an interruption completes it.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid5

from shared.kernel import clock
from shared.kernel.time_zones import DEFAULT_ZONE, day_at

NAMESPACE = UUID("6f1d2a4e-8c53-5b7a-9e0d-3c1f5a7b9d2e")

COMPANY = {"name": "Atelier Lumière SARL", "legal_form": "SARL", "share_capital": "10000.00", "payment_days": 30}

# name, sku, unit, sale price, cost, VAT code, opening stock
PRODUCTS = (
    ("Lampe de bureau Aurore", "LAM-AURORE", "unit", "89.00", "41.50", "S20", 40),
    ("Lampadaire Méridien", "LAM-MERIDIEN", "unit", "245.00", "118.00", "S20", 12),
    ("Suspension Halo", "SUS-HALO", "unit", "159.00", "72.40", "S20", 25),
    ("Applique Crépuscule", "APP-CREPUSC", "unit", "64.50", "27.90", "S20", 60),
    ("Ampoule LED E27 8 W", "AMP-E27-8", "unit", "7.90", "2.35", "S20", 500),
    ("Abat-jour lin naturel", "ABJ-LIN", "unit", "39.00", "14.20", "S20", 80),
    ("Guide « Éclairer son intérieur »", "LIV-GUIDE", "unit", "18.96", "9.10", "S5.5", 100),
    ("Lampe de collection Zénith", "LAM-ZENITH", "unit", "490.00", "260.00", "S20", 2),
)
INSTALLATION = ("Pose et réglage sur site", "SRV-POSE", "hour", "55.00", "S10")

ORGANIZATIONS = (
    ("Hôtel des Tuileries", "contact@hotel-tuileries.example", "Paris", "75001", "customer"),
    ("Boutique Clarté", "bonjour@boutique-clarte.example", "Lyon", "69002", "customer"),
    ("Cabinet Moreau Architectes", "agence@moreau-architectes.example", "Nantes", "44000", "customer"),
    ("Librairie du Port", "commandes@librairie-port.example", "La Rochelle", "17000", "customer"),
    ("Restaurant Le Phare", "direction@le-phare.example", "Brest", "29200", "customer"),
    ("Verrerie de Bièvre", "ventes@verrerie-bievre.example", "Bièvres", "91570", "supplier"),
    ("Lin & Fils", "contact@lin-et-fils.example", "Lille", "59000", "supplier"),
)
PERSONS = (
    ("Camille", "Dupont", "camille.dupont@hotel-tuileries.example", "Hôtel des Tuileries"),
    ("Émile", "Lefèvre", "emile@boutique-clarte.example", "Boutique Clarté"),
    ("Sarah", "Moreau", "sarah@moreau-architectes.example", "Cabinet Moreau Architectes"),
    ("Yann", "Le Goff", "yann@le-phare.example", "Restaurant Le Phare"),
    ("Inès", "Garnier", "ines.garnier@courriel.example", None),
)
ACTIVITIES = (
    ("Relancer le devis des suspensions", "call", "Cabinet Moreau Architectes"),
    ("Présenter la collection d'hiver", "meeting", "Hôtel des Tuileries"),
    ("Préfère être livré le matin", "note", "Restaurant Le Phare"),
)


class SeedFailed(Exception):
    """The API refused a step of the demo; `status` 0 means that it did not come about in time."""

    def __init__(self, status: int, message: str, again: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.again = again


class Api:
    """The few calls the demo needs; waits while a service is not there yet."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self._base_url = base_url
        self.events: list[str] = []
        self._token = ""
        self._token = self.post("/v1/auth/token", {"email": email, "password": password}, key=None)["access_token"]

    def get(self, path: str, **query: str) -> Any:
        return self._call("GET", path + ("?" + urlencode(query) if query else ""))

    def find(self, path: str) -> Any | None:
        """The resource, or None when there is none yet."""
        try:
            return self.get(path)
        except SeedFailed as refused:
            if refused.status == 404:
                return None
            raise

    def all(self, path: str, **query: str) -> list[Any]:
        return list(self.get(path, **query)["data"])

    def post(self, path: str, body: Mapping[str, Any], key: str | None) -> Any:
        return self._call("POST", path, body, {"Idempotency-Key": f"demo-{identify(key)}"} if key else {})

    def patch(self, path: str, body: Mapping[str, Any], version: int) -> Any:
        headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
        return self._call("PATCH", path, body, headers)

    def create(self, path: str, name: str, body: Mapping[str, Any]) -> Any:
        """Create the resource with the id that belongs to `name`, unless it exists."""
        identity = identify(name)
        found = self.find(f"{path}/{identity}")
        return found or self.post(path, {"id": identity, **body}, key=f"create:{name}")

    def wait_until_known(self) -> None:
        """Until the order service has heard of everything created so far."""
        for event in self.events:
            self.get("/v1/orders", limit="1", wait_for=event)
        self.events.clear()

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._send(method, path, body, headers or {})
            except SeedFailed as refused:
                if refused.status not in (409, 429, 503, 504) or not refused.again or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base_url + path, data=data, method=method)
        for name, value in ({"Content-Type": "application/json", "Accept": "application/json"} | dict(headers)).items():
            request.add_header(name, value)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                if event := response.headers.get("X-Event-Id"):
                    self.events.append(event)
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:500]
            again = error.headers.get("Retry-After") is not None or error.code == 504
            raise SeedFailed(error.code, f"{method} {path}: {error.code} {text}", again) from None


def run(base_url: str, email: str, password: str) -> None:
    """Bring the demo company to its final state."""
    fill(Api(base_url, email, password))


def fill(api: Api) -> None:
    """Carry out the steps that are not done yet."""
    _company(api)
    products = _products(api)
    customers = _contacts(api)
    _people(api, customers)
    api.wait_until_known()
    _orders(api, products, customers)


def identify(name: str) -> str:
    """The fixed id of a demo resource."""
    return str(uuid5(NAMESPACE, name))


def _company(api: Api) -> None:
    """The legal entity that every installation begins with gets its name."""
    company = api.all("/v1/companies", sort="created_at")[0]
    if company["name"] != COMPANY["name"]:
        api.patch(f"/v1/companies/{company['id']}", COMPANY, company["version"])


def _products(api: Api) -> dict[str, str]:
    """The catalogue and its opening stock at cost; returns ids by SKU."""
    ids = {}
    for name, sku, unit, price, cost, tax, _stock in PRODUCTS:
        body = {"sku": sku, "name": name, "type": "goods", "unit": unit, "sale_price": price}
        ids[sku] = api.create("/v1/products", sku, body | {"standard_cost": cost, "tax_code": tax})["id"]
    name, sku, unit, price, tax = INSTALLATION
    body = {"sku": sku, "name": name, "type": "service", "unit": unit, "sale_price": price, "tax_code": tax}
    ids[sku] = api.create("/v1/products", sku, body)["id"]
    lines = [
        {"product_id": ids[sku], "quantity_delta": str(stock), "unit_cost": cost}
        for _name, sku, _unit, _price, cost, _tax, stock in PRODUCTS
    ]
    api.create("/v1/stock-adjustments", "opening stock", {"reason": "Stock d'ouverture", "lines": lines})
    return ids


def _contacts(api: Api) -> dict[str, str]:
    """Organizations and their people; returns ids by name."""
    ids = {}
    for name, email, town, post_code, role in ORGANIZATIONS:
        address = {"type": "billing", "street": "1 place du Marché", "post_code": post_code, "town": town}
        ids[name] = api.create(
            "/v1/contacts", name,
            {"kind": "organization", "name": name, "roles": [role], "language": "fr",
             "emails": [{"value": email, "type": "work", "primary": True}],
             "addresses": [address | {"country": "FR"}]},
        )["id"]  # fmt: skip
    for first, last, email, organization in PERSONS:
        body = {
            "kind": "person", "first_name": first, "last_name": last, "language": "fr",
            "emails": [{"value": email, "type": "work", "primary": True}],
        }  # fmt: skip
        body |= {"parent_id": ids[organization]} if organization else {"roles": ["customer"]}
        ids[f"{first} {last}"] = api.create("/v1/contacts", f"{first} {last}", body)["id"]
    return ids


def _people(api: Api, contacts: Mapping[str, str]) -> None:
    """Who works together, the roles of people in organizations, and what is to be done for them."""
    for team in ("Ventes", "Atelier"):
        api.create("/v1/teams", f"team: {team}", {"name": team})
    for tag, colour in (("Revendeur", "blue"), ("Architecte", "green"), ("À relancer", "orange")):
        api.create("/v1/tags", f"tag: {tag}", {"name": tag, "colour": colour})
    for first, last, _email, organization in PERSONS:
        if organization:
            named = {"person_id": contacts[f"{first} {last}"], "organization_id": contacts[organization]}
            api.create("/v1/affiliations", f"role: {last}", {**named, "role": "Achats", "main": True})
    for subject, kind, organization in ACTIVITIES:
        body = {"kind": kind, "subject": subject, "contact_id": contacts[organization]}
        made = api.create("/v1/activities", f"activity: {subject}", body)
        if kind == "note" and made["status"] == "open":
            api.post(f"/v1/activities/{made['id']}/complete", {}, key=f"complete:{subject}")


def _orders(api: Api, products: Mapping[str, str], customers: Mapping[str, str]) -> None:
    def order(name: str, customer: str, lines: Sequence[tuple[str, str, str]]) -> str:
        body = [{"product_id": products[sku], "quantity": quantity, "discount_percent": off}
                for sku, quantity, off in lines]  # fmt: skip
        return str(api.create("/v1/orders", name, {"customer_id": customers[customer], "lines": body})["id"])

    order("order: draft", "Inès Garnier", [("LAM-AURORE", "1", "0"), ("AMP-E27-8", "2", "0")])

    confirmed = order("order: confirmed", "Cabinet Moreau Architectes",
                      [("SUS-HALO", "6", "10"), ("AMP-E27-8", "6", "0")])  # fmt: skip
    _place(api, confirmed, "confirmed")

    short = order("order: backordered", "Restaurant Le Phare", [("LAM-ZENITH", "3", "0"), ("APP-CREPUSC", "4", "0")])
    _place(api, short, "placed")

    open_order = order("order: invoiced", "Librairie du Port", [("LIV-GUIDE", "20", "5"), ("LAM-AURORE", "4", "0")])
    _place(api, open_order, "confirmed")
    _ship(api, open_order)

    partial = order("order: partly shipped", "Boutique Clarté", [("ABJ-LIN", "10", "0"), ("APP-CREPUSC", "8", "0")])
    _place(api, partial, "confirmed")
    _ship(api, partial, share=2)

    completed = order("order: completed", "Hôtel des Tuileries", [("LAM-MERIDIEN", "2", "0"), ("ABJ-LIN", "4", "5")])
    _place(api, completed, "confirmed")
    _ship(api, completed)
    _pay(api, completed, customers["Hôtel des Tuileries"])
    _wait(api, f"/v1/orders/{completed}", lambda found: found["status"] == "completed")


def _place(api: Api, order: str, until: str) -> None:
    """Place a draft and wait for the answers of credit and stock."""
    if api.get(f"/v1/orders/{order}")["status"] == "draft":
        api.post(f"/v1/orders/{order}/place", {}, key=f"place:{order}")
    wanted = ("confirmed", "completed") if until == "confirmed" else (until, "confirmed", "on_hold")
    _wait(api, f"/v1/orders/{order}", lambda found: found["status"] in wanted)


def _ship(api: Api, order: str, share: int = 1) -> None:
    """Ship the first delivery of an order, or one part in `share` of each line: the rest becomes a backorder."""
    deliveries = _wait_list(api, "/v1/deliveries", order)
    first = min(deliveries, key=lambda delivery: str(delivery["created_at"]))
    if first["status"] == "shipped":
        return
    ready = _wait(api, f"/v1/deliveries/{first['id']}", lambda found: found["status"] == "ready")
    lines = [{"id": line["id"], "quantity": str(int(float(line["quantity"])) // share)} for line in ready["lines"]]
    body = {"lines": lines} if share > 1 else {}
    api.post(f"/v1/deliveries/{first['id']}/ship", body, key=f"ship:{first['id']}")


def _pay(api: Api, order: str, customer: str) -> None:
    """Pay every invoice of an order by bank transfer."""
    for invoice in _wait_list(api, "/v1/invoices", order):
        name = f"payment of {invoice['id']}"
        payment = api.create(
            "/v1/payments", name,
            {"direction": "in", "contact_id": customer, "amount": invoice["gross_total"],
             "currency": invoice["currency"], "method": "transfer", "date": str(day_at(clock.now(), DEFAULT_ZONE)),
             "allocations": [{"invoice_id": invoice["id"], "amount": invoice["gross_total"]}]},
        )  # fmt: skip
        if payment["status"] == "draft":
            api.post(f"/v1/payments/{payment['id']}/post", {}, key=f"post:{name}")


def _wait(api: Api, path: str, good: Any, seconds: float = 60) -> Any:
    """What other services do follows by events: look until it has happened."""
    deadline = time.monotonic() + seconds
    while not good(found := api.get(path)):
        if time.monotonic() > deadline:
            raise SeedFailed(0, f"{path} did not get on within {seconds:.0f} s: {json.dumps(found)[:400]}")
        time.sleep(0.1)
    return found


def _wait_list(api: Api, path: str, order: str, seconds: float = 60) -> list[Any]:
    deadline = time.monotonic() + seconds
    while not (found := api.all(path, order_id=order)):
        if time.monotonic() > deadline:
            raise SeedFailed(0, f"{path}: nothing for order {order} within {seconds:.0f} s")
        time.sleep(0.1)
    return found
