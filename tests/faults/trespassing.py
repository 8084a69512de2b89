"""Rows 104 and 105: users and keys who want more than they hold, and what others' jobs hold."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from shared.kernel.ids import DEFAULT_COMPANY_ID
from tests.bench.importing import people
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.workload import CONTACTS
from tests.suite import Api, Suite

PASSWORD = "plum-kettle-orbit-7"
NEW_PASSWORD = "violet-ladder-fog-3"
HERE = str(DEFAULT_COMPANY_ID)
Attempt = tuple[str, str, Any]
"""Method, path, body."""


@dataclass
class Someone:
    """A credential, and who it speaks for."""

    base_url: str
    credential: str
    id: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.credential}", "Idempotency-Key": str(uuid4())}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        if method in ("PATCH", "DELETE"):
            headers["If-Match"] = "*"
        return httpx.request(method, self.base_url + path, json=body, headers=headers, timeout=30)

    def make(self, path: str, body: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, body)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())


class House:
    """People of several rights, and what they own."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.root = suite, Someone(suite.base_url, suite.api.token)
        self.elsewhere = str(self.root.make("/v1/companies", {"name": "Elsewhere"})["id"])
        self.made: list[str] = []

    def user(self, *roles: str, **given: Any) -> Someone:
        body = {"email": f"{uuid4()}@house.example", "name": "X", "roles": list(roles), "password": PASSWORD, **given}
        made = self.root.make("/v1/users", body)
        api = Api.signed_in(self.suite.base_url, made["email"], PASSWORD)
        api.http.close()
        return Someone(self.suite.base_url, api.token, made["id"])

    def role(self, *permissions: str) -> dict[str, Any]:
        return self.root.make("/v1/roles", {"name": f"r{uuid4().hex[:12]}", "permissions": list(permissions)})

    def with_rights(self, *permissions: str, **given: Any) -> Someone:
        return self.user(self.role(*permissions)["name"], **given)

    def key_of(self, owner: Someone, *scopes: str, **given: Any) -> Someone:
        made = owner.make("/v1/api-keys", {"name": "k", "scopes": list(scopes), **given})
        return Someone(self.suite.base_url, made["secret"], made["id"])

    def own(self, owner: Someone, path: str, body: Any) -> str:
        """Something that goes when the house is left."""
        self.made.append(f"{path}/{owner.make(path, body)['id']}")
        return self.made[-1]

    def leave(self) -> None:
        for path in self.made:
            assert self.root.ask("DELETE", path).status_code < 300, path


# -- 104 --------------------------------------------------------------------------------------------------------------

_KEPT = {
    "app_user": "id, version", "role": "id, version", "api_key": "id, version", "webhook": "id, version",
    "event_subscription": "id, version, password_hash", "credential": "user_id, password_hash",
    "webhook_secret": "webhook_id, encode(sealed, 'hex'), expires_at",
}  # fmt: skip
_HOOK = {"url": "http://127.0.0.1:59999/mine", "event_types": ["crm_contacts.contact.*"]}


@gate(104, "credentials beyond one's own")
def climb(trial: Trial) -> None:
    """A4: whatever hands out or changes a credential is refused to whoever holds less, and changes no row."""
    work, house, tried = trial.work(), House(trial.rig.suite), 0
    with work.running(clients=2):
        attempts = _climbs(house)
        before = _kept(trial)
        for who, (someone, tries) in attempts.items():
            for method, path, body in tries:
                answer = someone.ask(method, path, body)
                tried += 1
                told = _told(answer)
                fine = told <= {403, 404, 422} and told
                trial.result.expect(fine, f"{who}: {method} {path} {body}: {answer.status_code} {answer.text[:200]}")
        trial.result.expect(_kept(trial) == before, f"rows were changed: {_different(before, _kept(trial))}")
        house.leave()
    trial.result.figures["attempts"] = tried


def _told(answer: httpx.Response) -> set[int]:
    """The status, of each operation where many came at once."""
    if answer.request.url.path.endswith("/batch") and answer.status_code == 200:
        return {item["status"] for item in answer.json()["results"]}
    return {answer.status_code}


def _kept(trial: Trial) -> dict[str, list[Any]]:
    return {t: sorted(map(str, trial.rig.sql("gateway", f"SELECT {columns} FROM {t}"))) for t, columns in _KEPT.items()}


def _different(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    return [
        f"{table}: {set(before[table]) ^ set(after[table])}"[:300] for table in before if before[table] != after[table]
    ]


def _climbs(house: House) -> dict[str, tuple[Someone, list[Attempt]]]:
    """Who tries what."""
    strong = house.user("admin")
    theirs = _belongings(house, strong)
    held = ("gateway.*:*", "sales.*:read")
    one = house.key_of(strong, "*", company_id=HERE)
    return {
        "an administrator of one company": (
            house.user("admin", companies=[HERE], company_id=HERE),
            [*_on(strong, theirs), *_wider(house), ("POST", "/v1/users", _person(["admin"], companies=None))],
        ),
        "a key for one company": (one, [*_on(strong, theirs), *_wider(house)]),
        "a key of a key": (house.key_of(one, "*", company_id=HERE), [*_on(strong, theirs), *_wider(house)]),
        "a weak role": (
            house.with_rights(*held),
            [
                *_on(strong, theirs),
                ("PATCH", theirs["role"], {"permissions": ["sales.*:read"]}),
                ("DELETE", theirs["role"], None),
                ("POST", "/v1/roles", {"name": f"r{uuid4().hex[:12]}", "permissions": ["*"]}),
                ("POST", "/v1/users", _person(["admin"])),
                ("POST", "/v1/api-keys", {"name": "k", "scopes": ["finance.*:read"]}),
                ("POST", "/v1/event-subscriptions", {"name": "x", "bindings": ["erp_finance.#"]}),
            ],
        ),
        "a member of another team": _joins(house),
        "somebody without any right": (house.user("employee"), _on(strong, theirs)),
    }


def _belongings(house: House, owner: Someone) -> dict[str, str]:
    return {
        "webhook": house.own(owner, "/v1/webhooks", _HOOK),
        "subscription": house.own(owner, "/v1/event-subscriptions", {"name": "x", "bindings": ["erp_finance.#"]}),
        "key": f"/v1/api-keys/{house.key_of(owner, '*').id}",
        "role": f"/v1/roles/{house.role('sales.*:*')['id']}",
    }


def _on(strong: Someone, theirs: dict[str, str]) -> list[Attempt]:
    """Everything that would take somebody stronger over, or weaken them."""
    user, mine = f"/v1/users/{strong.id}", {"url": "http://127.0.0.1:59999/mine"}
    return [
        ("PATCH", user, {"name": "Mine"}),
        ("PATCH", user, {"email": f"{uuid4()}@mine.example"}),
        ("PATCH", user, {"roles": []}),
        ("POST", f"{user}/set-password", {"password": NEW_PASSWORD}),
        ("POST", f"{user}/deactivate", None),
        ("DELETE", user, None),
        ("POST", "/v1/users/batch", {"operations": [_item("update", strong.id, {"roles": []}), _item("delete", strong.id)]}),
        ("PATCH", theirs["webhook"], mine),
        ("POST", f"{theirs['webhook']}/rotate-secret", None),
        ("POST", f"{theirs['webhook']}/test", None),
        ("DELETE", theirs["webhook"], None),
        ("POST", f"{theirs['subscription']}/rotate-password", None),
        ("DELETE", theirs["subscription"], None),
        ("POST", f"{theirs['key']}/revoke", None),
        ("DELETE", theirs["key"], None),
    ]  # fmt: skip


def _item(op: str, id_: str, data: Any = None) -> dict[str, Any]:
    return {"op": op, "id": id_, "if_match": "*", **({"data": data} if data is not None else {})}


def _wider(house: House) -> list[Attempt]:
    """Credentials that reach another company, or all."""
    key = {"name": "k", "scopes": ["contacts.*:read"]}
    return [
        ("POST", "/v1/api-keys", {**key, "company_id": house.elsewhere}),
        ("POST", "/v1/users", _person(["sales"], companies=[house.elsewhere], company_id=house.elsewhere)),
        ("POST", "/v1/users", _person(["sales"], companies=[HERE, house.elsewhere], company_id=HERE)),
    ]


def _person(roles: list[str], **given: Any) -> dict[str, Any]:
    return {"email": f"{uuid4()}@house.example", "name": "X", "roles": roles, "password": PASSWORD, **given}


def _joins(house: House) -> tuple[Someone, list[Attempt]]:
    """Into a team whose records are closed to them, or above somebody of it."""
    north = house.root.make("/v1/teams", {"name": str(uuid4())})["id"]
    seller = house.user("sales", team_id=north)
    held = ("sales.*:read@team", "gateway.users:write", "gateway.users:read", "contacts.teams:read")
    reading = house.role(*held)["name"]
    eve, nobody = house.user(reading), house.user(reading)
    mate = house.user(reading, team_id=north)
    return eve, [
        ("PATCH", f"/v1/users/{eve.id}", {"team_id": north}),
        ("PATCH", f"/v1/users/{seller.id}", {"manager_id": eve.id}),
        ("PATCH", f"/v1/users/{nobody.id}", {"team_id": north}),
        ("PATCH", f"/v1/users/{nobody.id}", {"manager_id": mate.id}),
        ("POST", f"/v1/users/{seller.id}/set-password", {"password": NEW_PASSWORD}),
    ]


# -- 105 --------------------------------------------------------------------------------------------------------------

READ, WRITE, ALL_JOBS = "contacts.contacts:read", "contacts.contacts:write", "system.jobs:read"


@gate(105, "jobs of others")
def jobs_of_others(trial: Trial) -> None:
    """A5: what a job found, and whether it goes on, is for those who hold what it was begun with, and only for them."""
    work, house = trial.work(), House(trial.rig.suite)
    ada = house.with_rights(READ, WRITE, ALL_JOBS, "gateway.api_keys:write")
    strangers = {
        "without rights on contacts": house.user("accountant"),
        "with all jobs, not contacts": house.with_rights(ALL_JOBS, "sales.*:*"),
        "with their own contacts": house.with_rights(ALL_JOBS, f"{READ}@own", f"{WRITE}@own"),
        "of one company": house.user("admin", companies=[HERE], company_id=HERE),
        "a key of few scopes": house.key_of(ada, "gateway.api_keys:write"),
        "nobody": Someone(house.suite.base_url, "x"),
    }
    with work.running(clients=2):
        jobs = {"export": _exported(ada), "import": _imported(ada, b"kind,name\norganization,A\nperson,\n")}
        for job in jobs.values():
            until(lambda job=job: ada.ask("GET", f"/v1/jobs/{job}").json()["status"] == "succeeded", 60, "the job")
        jobs["running"] = _imported(ada, people(3_000 if trial.short else 15_000, uuid4().hex[:8]))
        for who, someone in strangers.items():
            _meets(trial, who, someone, jobs)
        _own_rights_end(trial, house, ada, jobs)
    for path in ("/v1/parked-messages", "/v1/sign-ins", "/v1/event-subscriptions"):
        answer = strangers["of one company"].ask("GET", path)
        trial.result.expect(answer.status_code == 403, f"of one company: {path}: {answer.status_code}")
    house.leave()


def _imported(someone: Someone, content: bytes) -> str:
    headers = {"Authorization": f"Bearer {someone.credential}", "Idempotency-Key": str(uuid4())}
    url = f"{someone.base_url}/v1/contacts/import"
    answer = httpx.post(url, files={"file": ("people.csv", content)}, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _exported(someone: Someone) -> str:
    return str(someone.make("/v1/contacts/export", {"format": "csv", "query": {}})["id"])


def _meets(trial: Trial, who: str, someone: Someone, jobs: dict[str, str]) -> None:
    refused = {401} if who == "nobody" else {403, 404}
    for name, job in jobs.items():
        for method, path in (
            ("GET", ""), ("GET", "/result"), ("GET", "/errors"), ("POST", "/cancel"), ("POST", "/undo"),
        ):  # fmt: skip
            answer = someone.ask(method, f"/v1/jobs/{job}{path}")
            fine = answer.status_code in refused
            trial.result.expect(fine, f"{who}: {method} {name}{path}: {answer.status_code} {answer.text[:100]}")
    listed = someone.ask("GET", "/v1/jobs?limit=200")
    shown = {row["id"] for row in listed.json().get("data", ())}
    trial.result.expect(not shown & set(jobs.values()), f"{who}: jobs of others are listed")


def _own_rights_end(trial: Trial, house: House, ada: Someone, jobs: dict[str, str]) -> None:
    """Nobody of them stopped what runs; its owner sees it, until the rights are taken away."""
    states = dict(trial.rig.sql(CONTACTS, "SELECT id::text, status FROM job"))
    trial.result.expect(states[jobs["running"]] in ("running", "queued", "succeeded"), f"stopped: {states}")
    for job in jobs.values():
        trial.result.expect(ada.ask("GET", f"/v1/jobs/{job}").status_code == 200, "its owner does not see a job")
    house.root.ask("PATCH", f"/v1/users/{ada.id}", {"roles": []})
    gone = {403, 404}
    until(lambda: all(ada.ask("GET", f"/v1/jobs/{job}").status_code in gone for job in jobs.values()), 5, "rights gone")
    for job, path in ((jobs["export"], "/result"), (jobs["import"], "/errors")):
        trial.result.expect(ada.ask("GET", f"/v1/jobs/{job}{path}").status_code in gone, f"{path} is still shown")
