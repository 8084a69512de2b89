"""Hostile requests against the running suite: injected SQL, forged log lines, expensive questions, foreign origins."""

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg2
import pytest
from sqlalchemy import text

from shared import contracts
from shared.schema.contract import Operation
from shared.storage.database import new_engine
from shared.wire import fields
from tests.suite import ADMIN, Suite

INJECTED = (
    "' OR '1'='1", "'; DROP TABLE audit; --", '" OR ""="', "1); SELECT pg_sleep(5); --", "' UNION SELECT NULL, version() --",
    "%' OR name LIKE '%", "\\'; SELECT 1 --", "id); DELETE FROM outbox; --", "$$; SELECT pg_sleep(5); $$", "${jndi:ldap://x}",
    "{{7*7}}", "%(id)s", ":id", "1::text; --", "\u02bc OR 1=1", "admin'/*", "x' || pg_sleep(5) || '",
)  # fmt: skip
SLEPT = 4.5
"""Seconds after which an injected sleep of five must have happened."""


@pytest.fixture
def api(running: Suite) -> Iterator[httpx.Client]:
    """A client of our own that checks nothing."""
    headers = {"Authorization": f"Bearer {running.api.token}"}
    with httpx.Client(base_url=running.base_url, headers=headers, timeout=30) as client:
        yield client


def _lists() -> list[Operation]:
    return [o for found in contracts.operations().values() for o in found.values() if o.listing is not None]


def _counts(running: Suite) -> dict[str, int]:
    """Rows of every table of every service."""
    found = {}
    for service in contracts.SERVICES:
        for (table,) in running.sql(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            if table == "timer":  # periodic work goes on meanwhile
                continue
            found[f"{service}.{table}"] = running.sql(service, f'SELECT count(*) FROM "{table}"')[0][0]
    return found


# -- 40: SQL injection ------------------------------------------------------------------------------------------------


def test_sql_in_filters_and_sort(running: Suite, api: httpx.Client) -> None:
    """In every text filter with every operator, in `q`, `sort`, `cursor`, and as the name of a filter."""
    running.quiesce()
    before, asked = _counts(running), 0
    for operation in _lists():
        assert operation.listing is not None
        texts = [name for name, field in operation.listing.filters.items() if isinstance(field, fields.Text)]
        for number, payload in enumerate(INJECTED):
            names = [texts[number % len(texts)]] if texts else []
            operator = ("", "[ne]", "[in]", "[contains]", "[starts]")[number % 5]
            questions = [(f"{name}{operator}", payload) for name in names] + [("sort", payload), (payload, "1")]
            questions += [("q", payload)] if operation.listing.search else []
            questions += [("cursor", payload)]
            for name, value in questions:
                _harmless(
                    api.get(operation.path, params={name: value, "limit": "1"}), f"{operation.path} {name}={value}"
                )
                asked += 1
    assert asked > 1000
    assert _counts(running) == before


def _harmless(answer: httpx.Response, asked: str) -> None:
    assert answer.status_code in (200, 400, 404), f"{asked}: {answer.status_code} {answer.text[:300]}"
    assert answer.elapsed.total_seconds() < SLEPT, f"{asked} took {answer.elapsed}"
    assert not re.search("PostgreSQL [0-9]|syntax error|psycopg2|pg_catalog", answer.text), answer.text[:300]


def test_sql_in_paths(api: httpx.Client) -> None:
    for payload in INJECTED:
        answer = api.get("/v1/orders/" + httpx.QueryParams({"": payload}).__str__()[1:])
        assert answer.status_code in (404, 405), answer.text


def test_sql_in_bodies_is_text(api: httpx.Client) -> None:
    """What is stored is what came, to the letter."""
    for payload in INJECTED:
        made = api.post("/v1/contacts", json={"kind": "organization", "name": payload, "tags": [payload[:50]]})
        assert made.status_code == 201, made.text
        shown = api.get(made.headers["location"]).json()
        assert (shown["name"], shown["tags"]) == (payload, [payload[:50]])
        found = api.get("/v1/contacts", params={"name": payload}).json()["data"]
        assert shown["id"] in {row["id"] for row in found} and {row["name"] for row in found} == {payload}


# -- 52: logs ---------------------------------------------------------------------------------------------------------


def test_logs_cannot_be_forged_and_hold_no_secret(running: Suite, api: httpx.Client) -> None:
    """Line feeds, escapes and canaries in every place that a client fills; every line of every log is one JSON object."""
    canary = f"canary-{uuid4().hex}"
    forged = 'x\r\n{"level": "ERROR", "message": "forged"}\x1b[31m'
    address = f"{running.base_url}/v1/auth/token"
    httpx.post(address, json={"email": ADMIN["email"], "password": f"{canary}-password"})
    httpx.post(address, json={"refresh_token": f"{canary}-refresh"})
    api.get("/v1/orders", headers={"Authorization": f"Bearer {canary}-token"})
    api.get("/v1/orders", params={"q": f"{canary}-query", "fields": forged})
    api.get(f"/v1/orders/{canary}%0d%0a%1b[31mforged")
    api.post("/v1/contacts", json={"kind": "organization", "name": f"{canary}-body {forged}", "legal_name": forged})
    api.post(
        "/v1/contacts", content=f'{{"name": "{canary}-broken'.encode(), headers={"Content-Type": "application/json"}
    )
    api.get("/v1/orders", headers={"X-Request-Id": f"{canary} id", "Idempotency-Key": f"{canary}-key-0123456789"})
    api.post("/v1/journal-entries", json={"reference": f"FR76 3000 6000 0112 3456 7890 189 {canary}-iban"})
    time.sleep(0.5)
    lines = _log_lines(running)
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict), line
        assert "\x1b" not in line
    told = [line for line in lines if canary in line]
    assert not [line for line in told if json.loads(line).get("event") != "request"], told
    assert not [line for line in told if re.search(f"{canary}-", line)], "a secret or a body was logged"


def _log_lines(running: Suite) -> list[str]:
    """All logs from the first JSON line on: before it speak Python and libraries while they are loaded."""
    found: list[str] = []
    for path in (running.root / "log").glob("*.log"):
        lines = path.read_text(encoding="utf-8").split("\n")
        begun = next((n for n, line in enumerate(lines) if line.startswith("{")), len(lines))
        found += [line for line in lines[begun:] if line]
    return found


def test_no_log_and_no_table_holds_credentials(running: Suite) -> None:
    """Tokens, passwords of people and of the suite's own accounts: in no log, in no remembered reply, in no audit row."""
    secrets = [running.api.token, ADMIN["password"], "secret-crm_sales", "secret-gateway"]
    assert not [line for line in _log_lines(running) if any(secret in line for secret in secrets)]
    for service in contracts.SERVICES:
        for table in ("audit", "idempotency", "outbox"):
            for secret in secrets:
                statement = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s"
                assert running.sql(service, statement, f"%{secret}%") == [(0,)], (service, table)


# -- 56: expensive questions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000000", "1e3", "٥", "9" * 50, ""])
def test_pages_have_a_largest_size(api: httpx.Client, limit: str) -> None:
    for operation in _lists():
        answer = api.get(operation.path, params={"limit": limit})
        assert answer.status_code in (400, 404), f"{operation.path}: {answer.status_code}"


def test_wild_searches_end_soon(api: httpx.Client) -> None:
    for operation in _lists():
        if operation.listing and operation.listing.search:
            for wild in ("%" * 200, "_" * 200, "\\" * 200, "%a%b%c%d%e" * 20):
                answer = api.get(operation.path, params={"q": wild, "include_total": "true"})
                assert answer.status_code == 200 and answer.elapsed.total_seconds() < 2, operation.path
    many = ",".join(str(uuid4()) for _ in range(201))
    assert api.get("/v1/orders", params={"customer_id[in]": many}).status_code == 400
    assert api.get("/v1/orders?" + "&".join(f"status={n}" for n in range(200))).status_code == 400


def test_statements_have_a_time_limit(running: Suite) -> None:
    """The database ends by itself what a service asks for too long, or waits for, or leaves open."""
    engine = new_engine(running.databases["crm_sales"].application, pool_size=1)
    with engine.connect() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            statement = text("SELECT setting::int FROM pg_settings WHERE name = :name")
            assert 0 < connection.execute(statement, {"name": name}).scalar_one() <= 30_000, name
    engine.dispose()


@pytest.fixture
def slow(running: Suite) -> Iterator[str]:
    """The id of a contact whose row takes the database a minute, whoever looks at it."""
    contact = running.api.post("/v1/contacts", {"kind": "organization", "name": "Slow & Co"})
    running.sql(
        "crm_contacts",
        f"CREATE POLICY slow ON contact USING (id <> '{contact['id']}' OR pg_sleep(60) IS NOT NULL);"
        "ALTER TABLE contact ENABLE ROW LEVEL SECURITY",
    )
    yield contact["id"]
    running.sql("crm_contacts", "ALTER TABLE contact DISABLE ROW LEVEL SECURITY; DROP POLICY slow ON contact")


def test_a_slow_statement_is_cut_and_holds_up_nobody(running: Suite, slow: str) -> None:
    """Both reading and changing: 504 when the database cut it, not tried again, nothing changed, others served."""
    path, other = f"/v1/contacts/{slow}", running.another_client()
    quick = f"/v1/contacts/{other.post('/v1/contacts', {'kind': 'organization', 'name': 'Quick & Co'})['id']}"
    changing = {"If-Match": "*", "Idempotency-Key": str(uuid4())}
    acts: list[Callable[[], httpx.Response]] = [
        lambda: running.api.http.get(path),
        lambda: running.api.http.patch(path, json={"name": "Slower & Co"}, headers=changing),
    ]
    with ThreadPoolExecutor(2) as pool:
        begun = time.monotonic()
        cut = [pool.submit(act) for act in acts]
        seconds = []
        while not all(future.done() for future in cut):
            answer = other.http.get(quick)
            assert answer.status_code == 200
            seconds.append(answer.elapsed.total_seconds())
        took = time.monotonic() - begun
    for answer in (future.result() for future in cut):
        assert (answer.status_code, answer.json()["code"]) == (504, "took_too_long"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert 4 < took < 9 and len(seconds) > 20 and max(seconds) < 2, (took, len(seconds), max(seconds))
    running_still = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%contact%%' AND wait_event = 'PgSleep'"
    assert running.sql("crm_contacts", running_still) == [(0,)]
    assert running.sql("crm_contacts", "SELECT version FROM contact WHERE id = %s", slow) == [(1,)]


# -- 55: who may read secrets ------------------------------------------------------------------------------------------

_READABLE = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND has_column_privilege(%s, table_name, column_name, 'SELECT')
"""
_SECRET = re.compile(
    "password|secret|sealed|invitation|token|digest|^sign_in_attempts|^webhook.url|^webhook_delivery.answer"
    "|^file_chunk|^idempotency.body|^inbox.envelope"
)


def test_who_only_reads_reads_no_secret(running: Suite) -> None:
    """The auditor's role sees neither passwords nor keys nor what webhooks are signed with, in no database."""
    for service, urls in running.databases.items():
        role = str(urlsplit(urls.auditor).username)
        readable = [name for (name,) in running.sql(service, _READABLE, role)]
        assert "outbox.envelope" in readable
        assert [name for name in readable if _SECRET.search(name)] == [], service
    for statement in ("SELECT * FROM credential", "SELECT digest FROM api_key", "SELECT sealed FROM webhook_secret"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            _as_auditor(running, statement)
    assert _as_auditor(running, "SELECT name, scopes FROM api_key WHERE false") == []
    assert _as_auditor(running, "SELECT email FROM app_user LIMIT 1")


def _as_auditor(running: Suite, statement: str) -> list[tuple[Any, ...]]:
    with psycopg2.connect(running.databases["gateway"].auditor) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


# -- 57: origins, redirects, cookies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "https://liaison.example.evil"])
def test_no_other_origin_reads_anything(api: httpx.Client, origin: str) -> None:
    for path in ("/v1/orders", "/v1/me", "/openapi.json", "/docs", "/livez"):
        for method in ("GET", "OPTIONS"):
            answer = api.request(method, path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            assert not [name for name in answer.headers if name.startswith("access-control-")], path
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "set-cookie" not in answer.headers and "location" not in answer.headers


@pytest.mark.parametrize("path", ["//evil.example", "/%2f%2fevil.example", "/\\evil.example", "/v1/orders/", "/docs/"])
def test_nothing_redirects(running: Suite, path: str) -> None:
    with httpx.Client() as stranger:
        answer = stranger.get(
            running.base_url + path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        )
    assert not 300 <= answer.status_code < 400 and "evil.example" not in str(answer.headers), answer.headers


def test_a_cookie_signs_nobody_in(running: Suite) -> None:
    """No session by cookie: so there is nothing that another site could ride on."""
    cookies: dict[str, Any] = {
        name: running.api.token for name in ("session", "token", "access_token", "Authorization")
    }
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert httpx.get(f"{running.base_url}/v1/me", headers=headers).status_code == 401
    asked = httpx.post(f"{running.base_url}/v1/contacts", content="kind=person", headers={
        **headers, "Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example",
    })  # fmt: skip
    assert asked.status_code == 401
