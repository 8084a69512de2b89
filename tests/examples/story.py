"""One run through the whole API, as a shop would use it: every operation answers with success once."""

import importlib
import pkgutil
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shared import contracts
from shared.schema.contract import Operation
from tests.examples import stories
from tests.examples.recorder import PUBLIC_ADDRESS, Recorder
from tests.flows.shop import Shop
from tests.suite import ADMIN, Suite

_ONE_OF_ITS_KIND = ("sku", "code", "name")
_NOT_READ = ("/v1/events/stream", "/v1/auth/oidc/start", "/v1/auth/oidc/callback")
"""A stream that does not end, and what needs an identity provider."""

_PARK = (
    "INSERT INTO inbox (consumer, event_id, type, producer, sha256, state, attempts, error_code, envelope, received_at)"
    " VALUES ('note_shipment', %s, 'liaison.erp_inventory.delivery.shipped.v1', 'erp_inventory', sha256('{'), 'parked', 7,"
    " 'not_yet', '{}', now())"
)


def tell(suite: Suite, recorder: Recorder) -> None:
    """The shop's year in a minute; what a listing or a reader can show is asked for at the end."""
    suite.api.http.event_hooks = {"response": [recorder.note]}
    story = Story(Shop(suite))
    story.sign_in()
    story.sell()
    story.quote()
    story.keep_books()
    story.tidy_up()
    for module in pkgutil.iter_modules(stories.__path__, f"{stories.__name__}."):
        importlib.import_module(module.name).tell(story)
    story.let_in()
    story.connect()
    story.park()
    suite.quiesce()
    story.read_everything(recorder)
    story.batch_everything(recorder)
    story.move_files()


class Story:
    """A shop and its administrator; the parts of single services stand in `stories/<service>.py`."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.api, self.suite = shop, shop.api, shop.suite

    def sign_in(self) -> None:
        answer = self.api.http.post("/v1/auth/token", json=ADMIN).json()
        self.api.http.post("/v1/auth/revoke", json={"refresh_token": answer["refresh_token"]})

    def sell(self) -> None:
        """From an empty shelf to a paid invoice, with a return of one piece."""
        shop, api = self.shop, self.api
        address = {"type": "billing", "street": "rue de la Paix", "building_number": "10", "post_code": "75002"}
        self.customer = api.post("/v1/contacts", {
            "kind": "organization", "name": "Maison Dupont", "roles": ["customer"], "language": "fr",
            "emails": [{"value": "achats@dupont.example"}], "addresses": [{**address, "town": "Paris"}],
            "phones": [{"value": "01 42 68 53 00", "extension": "12"}],
        })  # fmt: skip
        registered = api.last_event
        self.lamp = shop.product("brass lamp", "120.00")
        shop.receive(self.lamp, "50", "42.50")
        limit = {"customer_id": self.customer["id"], "limit": "10000.00"}
        self.limit = api.post("/v1/credit-limits", limit, wait_for=registered)
        api.patch(f"/v1/credit-limits/{self.limit['id']}", {"limit": "500.00"}, self.limit["version"])
        self.order = shop.order(self.customer, (self.lamp, "2"), reference="DUP-2026-17")
        self.order = api.patch(f"/v1/orders/{self.order['id']}", {"tags": ["window"]}, self.order["version"])
        shop.confirmed(shop.place(self.order))
        shop.ship(shop.delivery(self.order))
        (self.invoice,) = shop.invoices(self.order, 1)
        self._hold()
        self._pay()

    def _hold(self) -> None:
        """An order beyond the credit limit, released by somebody else; one that waits is asked for again."""
        shop, api = self.shop, self.api
        large = shop.until(shop.placed(self.customer, (self.lamp, "10")), status="on_hold")
        api.post(f"/v1/orders/{large['id']}/cancel", {"reason": "beyond the budget"})
        clerk = self.suite.user("colette@suite.example", "sales_manager")
        second = shop.place(shop.order(self.customer, (self.lamp, "9")), api=clerk)
        shop.until(second, status="on_hold")
        api.post(f"/v1/orders/{second['id']}/release-hold")
        scarce = shop.until(
            shop.placed(self.customer, (shop.product("silver lamp", "1.00"), "3")), delivery_status="backordered"
        )
        api.post(f"/v1/orders/{scarce['id']}/resume")
        draft = shop.order(self.customer, (self.lamp, "1"))
        api.delete(f"/v1/orders/{draft['id']}", draft["version"])

    def _pay(self) -> None:
        api, invoice = self.api, self.invoice
        line = {"line_id": invoice["lines"][0]["id"], "quantity": "1"}
        api.post(f"/v1/invoices/{invoice['id']}/credit", {"lines": [line], "reason": "one came back"})
        paid = {"contact_id": self.customer["id"], "amount": "100.00", "method": "transfer", "reference": "DUP-2026-17"}
        payment = api.post("/v1/payments", paid)
        part = {"allocations": [{"invoice_id": invoice["id"], "amount": "60.00"}]}
        api.post(f"/v1/payments/{payment['id']}/post")
        api.post(f"/v1/payments/{payment['id']}/allocate", part)
        api.post(f"/v1/payments/{payment['id']}/unallocate", {"invoice_ids": [invoice["id"]]})
        api.post(f"/v1/payments/{payment['id']}/reverse", {})
        self.shop.pay(self.customer, "50.00", api.get(f"/v1/invoices/{invoice['id']}"))
        service = {"description": "Assembly", "kind": "service", "quantity": "2", "unit": "hour", "unit_price": "45.00"}
        manual = api.post("/v1/invoices", {"customer_id": self.customer["id"], "lines": [service]})
        api.post(f"/v1/invoices/{manual['id']}/issue", {})

    def quote(self) -> None:
        api, line = self.api, {"product_id": self.lamp["id"], "quantity": "2"}
        api.post("/v1/quotes/preview", {"customer_id": self.customer["id"], "lines": [line]})
        made = [api.post("/v1/quotes", {"customer_id": self.customer["id"], "lines": [line]}) for _ in range(3)]
        api.patch(f"/v1/quotes/{made[0]['id']}", {"reference": "spring"}, made[0]["version"])
        for one in made:
            api.post(f"/v1/quotes/{one['id']}/send")
        api.post(f"/v1/quotes/{made[0]['id']}/revise")
        api.post(f"/v1/quotes/{made[0]['id']}/cancel")
        api.post(f"/v1/quotes/{made[1]['id']}/accept")
        api.post(f"/v1/quotes/{made[2]['id']}/refuse", {"reason": "too late"})

    def keep_books(self) -> None:
        api, today = self.api, str(datetime.now(UTC).date())
        company = api.post("/v1/companies", {"name": "Atelier Lumière Lyon SAS", "legal_form": "SAS"})
        api.patch(f"/v1/companies/{company['id']}", {"payment_days": 45}, company["version"])
        account = api.post("/v1/accounts", {"code": "62261", "name": "Honoraires comptables", "type": "expense"})
        api.patch(f"/v1/accounts/{account['id']}", {"name": "Honoraires du comptable"}, account["version"])
        lines = [{"account": "62261", "debit": "300.00"}, {"account": "512", "credit": "300.00"}]
        entry = api.post("/v1/journal-entries", {"date": today, "reference": "March", "lines": lines})
        api.post(f"/v1/journal-entries/{entry['id']}/post")
        api.post(f"/v1/journal-entries/{entry['id']}/reverse", {})
        last = api.get("/v1/fiscal-years", sort="-starts_on", limit=1)["data"][0]
        api.post("/v1/fiscal-years", {"starts_on": f"{int(last['ends_on'][:4]) + 1}-01-01"})
        period = api.get("/v1/periods", sort="-starts_on", limit=1)["data"][0]
        api.post(f"/v1/periods/{period['id']}/lock", {"final": False})
        api.post(f"/v1/periods/{period['id']}/unlock")

    def tidy_up(self) -> None:
        api = self.api
        api.patch(f"/v1/contacts/{self.customer['id']}", {"tags": ["wholesale"]}, self.customer["version"])
        api.post("/v1/contacts/duplicates/check", {"emails": ["achats@dupont.example"]})
        twin = {"kind": "organization", "name": "Dupont Maison", "emails": [{"value": "achats@dupont.example"}]}
        made = api.post("/v1/contacts", twin)
        api.post(f"/v1/contacts/{made['id']}/archive")
        api.post(f"/v1/contacts/{made['id']}/unarchive")
        spare = api.post("/v1/contacts", {"kind": "person", "first_name": "Ada", "last_name": "Lovelace"})
        api.delete(f"/v1/contacts/{spare['id']}", spare["version"])
        shade = api.post("/v1/products", {"sku": "SHADE-1", "name": "lamp shade"})
        changed = api.patch(f"/v1/products/{shade['id']}", {"sale_price": "19.90"}, shade["version"])
        api.delete(f"/v1/products/{shade['id']}", changed["version"])
        warehouse = api.post("/v1/warehouses", {"code": "LYON", "name": "Entrepôt de Lyon"})
        api.patch(f"/v1/warehouses/{warehouse['id']}", {"name": "Entrepôt lyonnais"}, warehouse["version"])
        shelf = api.post("/v1/locations", {"code": "LYON-A1", "name": "Shelf A1", "warehouse_id": warehouse["id"]})
        api.patch(f"/v1/locations/{shelf['id']}", {"name": "Shelf A 1"}, shelf["version"])

    def kept(self, path: str, bodies: list[dict[str, Any]], change: dict[str, Any]) -> dict[str, Any]:
        """Two of a kind: the first is changed, the second deleted."""
        first, second = (self.api.post(path, body) for body in bodies)
        self.api.delete(f"{path}/{second['id']}", second["version"])
        changed: dict[str, Any] = self.api.patch(f"{path}/{first['id']}", change, first["version"])
        return changed

    def let_in(self) -> None:
        """A colleague by invitation, a role of our own making, a key for a program, a field of our own."""
        api, anyone = self.api, self.api.http
        role = api.post(
            "/v1/roles", {"name": "window_dresser", "permissions": ["contacts.*:read", "sales.orders:read@own"]}
        )
        api.patch(f"/v1/roles/{role['id']}", {"permissions": ["contacts.*:read"]}, role["version"])
        invitation, first, second = "invitation-" * 4, "a-password-of-ones-own", "another-password-of-ones-own"
        user = api.post("/v1/users", {
            "email": "claude@lumiere.example", "name": "Claude Lager", "language": "fr", "roles": ["warehouse"],
            "invitation_token": invitation,
        })  # fmt: skip
        anyone.post("/v1/auth/invitation", json={"invitation_token": invitation, "password": first})
        claude = self.suite.sign_in("claude@lumiere.example", first)
        claude.http.event_hooks = anyone.event_hooks
        claude.http.post("/v1/me/password", json={"old_password": first, "new_password": second})
        user = api.patch(
            f"/v1/users/{user['id']}", {"team_id": self.team["id"]}, api.get(f"/v1/users/{user['id']}")["version"]
        )
        for verb in ("deactivate", "activate"):
            api.post(f"/v1/users/{user['id']}/{verb}")
        api.post(f"/v1/users/{user['id']}/set-password", {"password": first})
        guest = api.post(
            "/v1/users", {"email": "guest@lumiere.example", "name": "Guest", "roles": [], "password": first}
        )
        api.delete(f"/v1/users/{guest['id']}", guest["version"])
        spare = api.post("/v1/roles", {"name": "nobody_s", "permissions": ["contacts.*:read"]})
        api.delete(f"/v1/roles/{spare['id']}", spare["version"])
        keys = [api.post("/v1/api-keys", {"name": "web shop", "scopes": ["sales.orders:read"]}) for _ in range(3)]
        revoked = api.post(f"/v1/api-keys/{keys[0]['id']}/revoke")
        api.delete(f"/v1/api-keys/{keys[1]['id']}", keys[1]["version"])
        assert revoked["revoked_at"]
        kinds = {"resource": "contacts", "type": "choice", "options": ["north", "south"]}
        field = api.post("/v1/custom-fields", {**kinds, "name": "region"})
        api.patch(f"/v1/custom-fields/{field['id']}", {"label_fr": "Région"}, field["version"])
        other = api.post("/v1/custom-fields", {**kinds, "name": "area"})
        api.delete(f"/v1/custom-fields/{other['id']}", other["version"])

    def connect(self) -> None:
        """Other systems: one that is called, one that reads from a queue of its own."""
        api, what = self.api, "crm_sales.order.*"
        hook = {"url": f"https://{PUBLIC_ADDRESS}/liaison", "event_types": [what], "active": False}
        made = [api.post("/v1/webhooks", hook) for _ in range(2)]
        api.patch(f"/v1/webhooks/{made[0]['id']}", {"description": "web shop"}, made[0]["version"])
        api.post(f"/v1/webhooks/{made[0]['id']}/rotate-secret")
        api.delete(f"/v1/webhooks/{made[1]['id']}", made[1]["version"])
        api.post("/v1/events/stream-tickets", {"types": what})

    def move_files(self) -> None:
        """Every list as a file, contacts from one, and what became of these jobs."""
        for operation in _derived("export"):
            exported = self.api.post(operation.path, {"format": "csv"})
            self._finished(exported)  # only two at once are allowed
            self.api.http.get(f"/v1/jobs/{exported['id']}/result")
        file = {"file": ("contacts.csv", b"kind,name\norganization,Maison Durand\nbird,Pica Pica\n", "text/csv")}
        key = {"Idempotency-Key": "import-of-the-examples"}
        job = self.api._checked(self.api.http.post("/v1/contacts/import", files=file, headers=key))
        self._finished(job)
        self.api.http.get(f"/v1/jobs/{job['id']}/errors")
        self.api.http.get("/v1/jobs", params={"limit": 2})
        self.api.http.post(f"/v1/jobs/{job['id']}/undo", headers={"Idempotency-Key": "undo-of-the-examples"})

    def _finished(self, job: Any) -> None:
        self.api.eventually(f"/v1/jobs/{job['id']}", lambda j: j["status"] not in ("queued", "running"), timeout=30)

    def park(self) -> None:
        """Two messages that nobody could handle: one is tried again, one is given up."""
        for number, verb in enumerate(("replay", "discard")):
            event = f"01a17000-0000-7000-8000-00000000000{number}"
            self.suite.sql("crm_sales", _PARK, event)
            self.api.get("/v1/parked-messages")
            at = f"/v1/parked-messages/crm_sales/note_shipment/{event}"
            self.api.get(at)
            self.api.post(f"{at}/{verb}", {"reason": "looked into"})
        self.suite.sql("crm_sales", "DELETE FROM inbox WHERE event_id::text LIKE '01a17000-%%'")

    # -- the rest -----------------------------------------------------------------------------------------------------

    def read_everything(self, recorder: Recorder) -> None:
        """Every GET: lists first, then what they list. A path below a list is asked for its first row that has it."""
        ids: dict[str, list[str]] = {"/v1/customers": [self.customer["id"]]}
        for operation in _reading():
            if "{" not in operation.path and operation.path not in _NOT_READ:
                answer = self.api.http.get(operation.path, params=self._parameters(operation))
                rows = answer.json().get("data", ()) if "json" in answer.headers["content-type"] else ()
                ids[operation.path] = [row["id"] for row in rows if isinstance(row, dict) and row.get("id")]
        of_a_type = self.api.get("/v1/event-types")["data"][0]["type"]
        for path in ("/v1/event-types/{type}", "/v1/event-types/{type}/schema"):
            self.api.http.get(path.replace("{type}", quote(of_a_type)))
        for operation in _reading():
            resource = operation.path.partition("/{")[0]
            for known in ids.get(resource, ()) if operation.path_parameters == ["id"] else ():
                if self.api.http.get(operation.path.replace("{id}", quote(known))).status_code < 400:
                    break

    def _parameters(self, operation: Operation) -> dict[str, str]:
        needed = {"product_id": self.lamp["id"], "quantity": "3", "account": "411", "types": "crm_sales.order.*"}
        names = operation.parameters().fields if operation.parameters else {}
        return {name: value for name, value in needed.items() if name in names}

    def batch_everything(self, recorder: Recorder) -> None:
        """A batch with one creation like the one that was shown alone, under another name."""
        for declared in contracts.operations().values():
            for operation in declared.values():
                if operation.derived == "batch" and operation.collection and operation.collection.create:
                    create = recorder.found[operation.collection.create.id]
                    self.api.post(
                        operation.path, {"operations": [{"op": "create", "data": _renamed(create["request"])}]}
                    )


def _derived(kind: str) -> list[Operation]:
    return [o for declared in contracts.operations().values() for o in declared.values() if o.derived == kind]


def _renamed(body: Any) -> Any:
    body = {name: f"{value}2" if name in _ONE_OF_ITS_KIND else value for name, value in body.items()}
    return body | ({"email": f"2{body['email']}"} if "email" in body else {})


def _reading() -> list[Operation]:
    from gateway.http import contract

    declared = [contract.OPERATIONS, *contracts.operations().values()]
    return [operation for found in declared for operation in found.values() if operation.method == "GET"]
