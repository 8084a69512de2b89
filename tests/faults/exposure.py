"""Rows 109 and 110: what the public port gives away or puts up with, and where secrets might be found."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg2

from deploy.local.plan import GATEWAY
from shared import contracts
from tests.faults.client import Client, History
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.trespassing import NEW_PASSWORD, PASSWORD

# -- 109 --------------------------------------------------------------------------------------------------------------

_PER_ADDRESS = 1000
_CUT_WITHIN = 75
"""Seconds: slow readers are looked at every thirty, and cut when they took nothing between two looks."""

_HIDDEN = ("/metrics", "/metrics/", "//metrics", "/v1/metrics", "/livez/../metrics", "/%6detrics", "/metrics?x=1")


@gate(109, "metrics, slow readers and too many connections at the public port")
def crowd_the_port(trial: Trial) -> None:
    """A9: metrics are not there, one address takes so many connections and no more, who does not read is cut."""
    work = trial.work()
    client = work.client()
    trial.nobody_may_exit()
    for path in _HIDDEN:
        answer = client.once("GET", path)
        fine = answer.status in (301, 307, 308, 400, 404) and b"_total" not in answer.body
        trial.result.expect(fine, f"{path}: {answer.status} {answer.body[:60]!r}")
    with work.running(clients=2):
        alone, grown = _p95(trial, client), trial.rig.memory()[GATEWAY]
        with _readers(trial, 10 if trial.short else 60) as readers, _many_connections(trial):
            beside = _p95(trial, client)
            grown = (trial.rig.memory()[GATEWAY] - grown) // 1_000_000
            if not trial.short:
                until(lambda: all(map(_is_cut, readers)), _CUT_WITHIN, "slow readers cut")
    client.close()
    trial.result.figures |= {"p95_alone_s": alone, "p95_beside_s": beside, "grown_mb": grown}
    trial.result.expect(beside < 3 * alone + 0.2, f"others wait {beside:.3f} s instead of {alone:.3f} s")
    trial.result.expect(grown < 200, f"the gateway grew by {grown} MB")


def _p95(trial: Trial, client: Client) -> float:
    seen = History(trial.rig.root / "unused.jsonl")
    for _ in range(100):
        seen.observe(client.once("GET", "/v1/orders?limit=1"))
    return seen.slowest(0.95)


@contextlib.contextmanager
def _many_connections(trial: Trial) -> Iterator[None]:
    """As many as one address may have: the next is told so; other addresses go on."""
    with contextlib.ExitStack() as opened:
        for _ in range(_PER_ADDRESS):
            opened.enter_context(_connected(trial, "127.0.0.2"))
        until(lambda: _turned_away(trial), 10, "the next connection turned away")
        yield
    until(lambda: not _turned_away(trial), 10, "room again")


def _connected(trial: Trial, source: str) -> socket.socket:
    place = urlsplit(trial.rig.suite.base_url)
    return socket.create_connection((place.hostname, place.port), timeout=5, source_address=(source, 0))


def _turned_away(trial: Trial) -> bool:
    with _connected(trial, "127.0.0.2") as one:
        with contextlib.suppress(OSError):  # who is turned away may find it closed already
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        told = one.recv(4096)
    assert told.startswith((b"HTTP/1.1 429 ", b"HTTP/1.1 200 ")), told
    return b"too_many_connections" in told


@contextlib.contextmanager
def _readers(trial: Trial, count: int) -> Iterator[list[socket.socket]]:
    """They ask for megabytes and read nothing."""
    place = urlsplit(trial.rig.suite.base_url)
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20
    with contextlib.ExitStack() as opened:
        found = []
        for _ in range(count):
            one = opened.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.bind(("127.0.0.3", 0))
            one.connect((place.hostname, place.port))
            one.sendall(request)
            found.append(one)
        yield found


def _is_cut(reader: socket.socket) -> bool:
    """Whether the other side has ended it: a reset is seen without reading what waits."""
    return reader.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x07"  # TCP_CLOSE


# -- 110 --------------------------------------------------------------------------------------------------------------

_READABLE = """
    SELECT quote_ident(c.relname), quote_ident(a.attname), a.atttypid = 'bytea'::regtype
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
      AND has_column_privilege(c.oid, a.attnum, 'SELECT')
"""


@gate(110, "planted secrets, and sessions that end")
def find_secrets(trial: Trial) -> None:
    """A10: no log, no table that the auditor reads, no export and no event holds one; who signs out is out in 5 s."""
    work = trial.work()
    with work.running(clients=2):
        planted = _Planted(trial)
        _end_sessions(trial)
        time.sleep(2)  # until logs are written and events are stored
        for where, text in _everything_told(trial, planted).items():
            found = [name for name, secret in planted.secrets.items() if secret in text]
            trial.result.expect(not found, f"{where} holds {found}")
        for service in contracts.SERVICES:
            _search_as_auditor(trial, service, planted.secrets)
        planted.leave()
    trial.result.figures["secrets"] = len(planted.secrets)


class _Planted:
    """Secrets of every kind, by what they are, where an administrator and a stranger put them."""

    def __init__(self, trial: Trial) -> None:
        self.api, self.url = trial.rig.suite.api, trial.rig.suite.base_url
        mark = uuid4().hex
        self.secrets = {"wrong password": f"wrong-{mark}", "forged token": f"forged.{mark}"}
        self.email = f"{mark}@planted.example"
        self.made: list[str] = []
        self._people()
        self._credentials(mark)
        httpx.post(f"{self.url}/v1/auth/token", json={"email": self.email, "password": self.secrets["wrong password"]})
        httpx.get(f"{self.url}/v1/me", headers={"Authorization": f"Bearer {self.secrets['forged token']}"})

    def _people(self) -> None:
        """A password at creation, in a batch, set anew; an address that is taken, so that the database refuses it."""
        self.secrets |= {f"password {n}": f"Plum-{uuid4().hex}-kettle" for n in range(4)}
        one, two, three, four = (self.secrets[f"password {n}"] for n in range(4))
        self.user = self._user(self.email, one)
        again = {"email": self.email, "name": "X", "roles": ["sales"], "password": two}
        assert self.api.http.post("/v1/users", json=again).status_code in (409, 422)
        item = {"op": "create", "data": {**again, "email": f"{uuid4().hex}@planted.example"}}
        self.api.post("/v1/users/batch", {"operations": [item]})
        self.api.post(f"/v1/users/{self.user['id']}/set-password", {"password": three})
        assert self.api.http.post(f"/v1/users/{self.user['id']}/set-password", json={"password": four, "x": 1}).is_error
        self.secrets["invitation"] = f"invited-{uuid4()}-{uuid4()}"
        invited = {"email": f"{uuid4().hex}@planted.example", "name": "X", "roles": ["sales"]}
        self.api.post("/v1/users", {**invited, "invitation_token": self.secrets["invitation"]})
        session = httpx.post(f"{self.url}/v1/auth/token", json={"email": self.email, "password": three}).json()
        self.secrets |= {"access token": session["access_token"], "refresh token": session["refresh_token"]}

    def _user(self, email: str, password: str) -> Any:
        return self.api.post("/v1/users", {"email": email, "name": "X", "roles": ["sales"], "password": password})

    def _credentials(self, mark: str) -> None:
        key = self.api.post("/v1/api-keys", {"name": "planted", "scopes": ["contacts.*:read"]})
        hook = {"url": f"http://127.0.0.1:59999/{mark}-hook", "event_types": ["crm_contacts.contact.created"]}
        webhook = self.api.post("/v1/webhooks", hook)
        rotated = self.api.post(f"/v1/webhooks/{webhook['id']}/rotate-secret")
        wanted = {"name": "planted", "bindings": ["crm_contacts.contact.created"]}
        subscription = self.api.post("/v1/event-subscriptions", wanted)
        self.made = [f"/v1/webhooks/{webhook['id']}", f"/v1/event-subscriptions/{subscription['id']}"]
        self.secrets |= {
            "API key": key["secret"], "webhook": webhook["secret"], "rotated webhook": rotated["secret"],
            "subscription": subscription["password"],
        }  # fmt: skip

    def leave(self) -> None:
        for path in self.made:
            self.api.delete(path, self.api.get(path)["version"])


def _everything_told(trial: Trial, planted: _Planted) -> dict[str, str]:
    """Logs of processes and servers, exports, histories and events."""
    servers, api = trial.rig.servers, planted.api
    found = {f"the log of {name}": trial.rig.log(name) for name in trial.rig.suite.supervisor.names}
    for log in (servers.postgresql.log, servers.rabbitmq.log):
        found[f"the log {log.name}"] = log.read_text("utf-8", "replace")
    email = {f"the log {log.name} (an address)": found[f"the log {log.name}"] for log in (servers.postgresql.log,)}
    trial.result.expect(all(planted.email not in text for text in email.values()), "an address in PostgreSQL's log")
    for path in ("users", "api-keys", "webhooks", "event-subscriptions"):
        job = api.post(f"/v1/{path}/export", {"format": "csv", "query": {}})
        api.eventually(f"/v1/jobs/{job['id']}", lambda j: j["status"] == "succeeded")
        found[f"the export of {path}"] = api.http.get(f"/v1/jobs/{job['id']}/result").text
        for row in api.get(f"/v1/{path}", limit=20)["data"]:
            found[f"the history of {path}/{row['id']}"] = api.http.get(f"/v1/{path}/{row['id']}/history").text
    found["the events"] = api.http.get("/v1/events?after=0&limit=200").text
    return found


def _search_as_auditor(trial: Trial, service: str, secrets: dict[str, str]) -> None:
    """Every column that the read-only role may read, of every table."""
    columns: dict[str, list[str]] = {}
    with contextlib.closing(psycopg2.connect(trial.rig.suite.databases[service].auditor)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(_READABLE)
            for table, column, binary in cursor.fetchall():
                columns.setdefault(table, []).append(f"encode({column}, 'escape')" if binary else f"{column}::text")
            for table, shown in columns.items():
                row = f"concat_ws(' ', {', '.join(shown)})"
                for name, secret in secrets.items():
                    cursor.execute(f"SELECT count(*) FROM {table} WHERE position(%s in {row}) > 0", (secret,))
                    (count,) = cursor.fetchone() or (0,)
                    trial.result.expect(count == 0, f"{service}: {count} rows of {table} show the auditor: {name}")
    trial.result.expect(len(columns) > 8, f"{service}: the auditor reads only {sorted(columns)}")


def _end_sessions(trial: Trial) -> None:
    """Signing out, a new password and a refresh token that comes twice: out within five seconds, company or not."""
    url, ended = trial.rig.suite.base_url, {}
    company = trial.rig.suite.api.get("/v1/me")["company_id"]
    for way in ("sign-out", "password", "reuse"):
        email = f"{uuid4().hex}@ending.example"
        body = {"email": email, "name": "X", "roles": ["sales"], "password": PASSWORD}
        trial.rig.suite.api.post("/v1/users", body)
        session = httpx.post(f"{url}/v1/auth/token", json={"email": email, "password": PASSWORD}).json()
        ended[way] = (Client(url, session["access_token"], History(trial.rig.root / "unused.jsonl")), session)
        assert ended[way][0].once("GET", "/v1/me").status == 200
    begun = time.monotonic()
    _end(url, *(session for _, session in ended.values()))
    headers = ({}, {"X-Company-Id": company})
    until(
        lambda: {one.once("GET", "/v1/orders?limit=1", headers=h).status for one, _ in ended.values() for h in headers}
        == {401}, 10, "sessions ended",
    )  # fmt: skip
    took = time.monotonic() - begun
    trial.result.figures["signed_out_s"] = took
    trial.result.expect(took < 5, f"sessions ended after {took:.1f} s")
    for one, _ in ended.values():
        one.close()


def _end(url: str, out: Any, password: Any, reuse: Any) -> None:
    told = [httpx.post(f"{url}/v1/auth/revoke", json={"refresh_token": out["refresh_token"]}).status_code]
    bearer = {"Authorization": f"Bearer {password['access_token']}"}
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    told.append(httpx.post(f"{url}/v1/me/password", json=body, headers=bearer).status_code)
    for _ in range(2):
        told.append(httpx.post(f"{url}/v1/auth/token", json={"refresh_token": reuse["refresh_token"]}).status_code)
    assert told == [204, 204, 200, 401], told
