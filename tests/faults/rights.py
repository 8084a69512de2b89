"""Rows 53, 54 and 55: what a compromised service, or a superuser with an editor, can do."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pika
import psycopg2

from shared import contracts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.kernel.ids import new_event_id, new_id
from shared.messaging.queues import queue_name
from shared.messaging.topology import STREAM, permissions
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.workload import BOOKS, SALES, STOCK
from tests.harness import message
from tests.suite import CHECKOUT, _environment

REFUSALS = (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker)


@gate(53, "broker users outside their rights")
def impersonate(trial: Trial) -> None:
    tried = 0
    for user in permissions():
        for name, attempt in _trespasses(user).items():
            tried += 1
            code = refusal(trial, user, attempt)
            wanted = {"another user_id": (403, 406), "purge the stream": (540,)}.get(name, (403,))
            trial.result.expect(code in wanted, f"{user}: {name}: {code or 'allowed'}")
    trial.result.expect(not _lets_in(trial, "guest", "guest"), "guest may connect")
    trial.result.expect(not _lets_in(trial, SALES, "wrong"), "a wrong password is accepted")
    trial.result.figures["trespasses"] = tried
    _forge(trial)


def _trespasses(user: str) -> dict[str, Callable[[Any], Any]]:
    """What a user tries on a confirming channel; all of it must be refused."""
    other = SALES if user != SALES else BOOKS
    plain = pika.BasicProperties(content_type="application/cloudevents+json")
    spoofed = pika.BasicProperties(user_id=other)
    found: dict[str, Callable[[Any], Any]] = {
        "publish under another prefix": lambda c: c.basic_publish("events", f"{other}.order.placed", b"{}", plain),
        "publish without prefix": lambda c: c.basic_publish("events", "order.placed", b"{}", plain),
        "publish to a queue": lambda c: c.basic_publish("", f"{other}.x", b"{}", plain),
        "publish to a topic exchange": lambda c: c.basic_publish("amq.topic", f"{other}.x", b"{}", plain),
        "read another's events": lambda c: c.basic_get(f"{other}.any"),
        "read another's calls": lambda c: c.basic_get(f"rpc-{other}"),
        "read the stream": lambda c: c.basic_get("events.log"),
        "declare a queue": lambda c: c.queue_declare(f"{user}.mine"),
        "declare an exchange": lambda c: c.exchange_declare(f"{user}.mine"),
        "bind itself to everything": lambda c: c.queue_bind(f"rpc-{user}", "events", "#"),
        "delete a queue": lambda c: c.queue_delete(f"rpc-{other}"),
        "delete the exchange": lambda c: c.exchange_delete("events"),
        "purge another's queue": lambda c: c.queue_purge(f"rpc-{other}"),
        "another user_id": lambda c: c.basic_publish("events", f"{user}.order.placed", b"{}", spoofed),
    }
    if user == "operator":  # may look into the stream of events, and nothing else
        del found["read the stream"]
        found["purge a queue of events"] = lambda c: c.queue_purge(queue_name(BOOKS, "decide_credit"))
        found["purge the stream"] = lambda c: c.queue_purge(STREAM)
    if user not in ("gateway", "operator"):
        found["call another service"] = lambda c: c.basic_publish("nameko-rpc", f"{other}.get_order", b"{}", plain)
        found["call itself"] = lambda c: c.basic_publish("nameko-rpc", f"{user}.get_order", b"{}", plain)
        found["answer into a queue"] = lambda c: c.basic_publish("nameko-rpc", "any", b"{}", plain)
    return found


def refusal(trial: Trial, user: str, attempt: Callable[[Any], Any]) -> int:
    """The code with which the broker refused, or 0."""
    try:
        with trial.rig.channel(user) as channel:
            channel.confirm_delivery()
            attempt(channel)
            return 0
    except REFUSALS as refused:
        return int(refused.reply_code)


def _lets_in(trial: Trial, user: str, password: str) -> bool:
    parameters = pika.URLParameters(trial.rig.suite.amqp_uri)
    parameters.credentials = pika.PlainCredentials(user, password)
    try:
        pika.BlockingConnection(parameters).close()
    except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.AMQPConnectionError):
        return False
    return True


def _forge(trial: Trial) -> None:
    """An allowed key, but the event claims to come from somebody else: parked, without effect."""
    trial.discards_parked = True
    rig = trial.rig
    released = finance.CreditReleased(order_id=new_id(), customer_id=new_id())
    forged = {
        "wrong_producer": message(released, new_event_id(released.full_type)),
        "wrong_source": json.dumps(_placed_by("/liaison/erp_finance")).encode(),
        "schema": json.dumps(_placed_by("/liaison/crm_sales")).encode(),
    }
    for code, body in forged.items():
        rig.publish(SALES, "crm_sales.order.placed", body)
        until(lambda c=code: _kept_for(trial, c), 20, f"a forgery parked as {code}")
    with rig.channel(SALES) as channel:
        channel.confirm_delivery()
        channel.basic_publish("events", "crm_sales.order.placed", _unvouched(), pika.BasicProperties())
    until(lambda: _kept_for(trial, "wrong_producer") >= 2, 20, "an event without a vouched-for user parked")


def _kept_for(trial: Trial, code: str) -> int:
    kept = "SELECT count(*) FROM inbox WHERE state = 'parked' AND error_code = %s"
    return int(trial.rig.sql(STOCK, kept, code)[0][0])


def _unvouched() -> bytes:
    cancelled = sales.OrderCancelled(order_id=new_id(), number="x", reason="x")
    return message(cancelled, new_event_id(cancelled.full_type))


def _placed_by(source: str) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": str(new_id()), "source": source, "type": "liaison.crm_sales.order.placed.v1",
        "time": "2026-01-01T00:00:00Z", "sequence": "1", "companyid": str(new_id()), "correlationid": "x",
        "causationid": "x", "actor": "x", "data": {},
    }  # fmt: skip


# -- the ledger -------------------------------------------------------------------------------------------------------

_MIDDLE = (
    "(SELECT id FROM journal_entry WHERE state = 'posted' AND journal = '{journal}' ORDER BY seq LIMIT 1 OFFSET 1)"
)
_LAST = "(SELECT id FROM journal_entry WHERE state = 'posted' AND journal = '{journal}' ORDER BY seq DESC LIMIT 1)"
TAMPERINGS = {
    "an amount changed": f"UPDATE journal_line SET debit = debit + 1 WHERE debit > 0 AND entry_id = {_MIDDLE}",
    "both sides changed": (
        f"UPDATE journal_line SET debit = debit * 2, credit = credit * 2 WHERE entry_id = {_MIDDLE}"
    ),
    "an account changed": f"UPDATE journal_line SET account = '706' WHERE credit > 0 AND entry_id = {_MIDDLE}",
    "a date changed": f"UPDATE journal_entry SET date = date - 1 WHERE id = {_MIDDLE}",
    "a line deleted": f"DELETE FROM journal_line WHERE position = 1 AND entry_id = {_MIDDLE}",
    "an entry deleted": (
        f"DELETE FROM journal_line WHERE entry_id = {_MIDDLE}; DELETE FROM journal_entry WHERE id = {_MIDDLE}"
    ),
    "the last entry deleted": (
        f"DELETE FROM journal_line WHERE entry_id = {_LAST}; DELETE FROM journal_entry WHERE id = {_LAST}"
    ),
    "a hash changed": f"UPDATE journal_entry SET hash = repeat('0', 64) WHERE id = {_MIDDLE}",
    "two entries swapped": (
        "UPDATE journal_entry SET seq = 1000001 WHERE journal = '{journal}' AND seq = 1;"
        " UPDATE journal_entry SET seq = 1 WHERE journal = '{journal}' AND seq = 2;"
        " UPDATE journal_entry SET seq = 2 WHERE journal = '{journal}' AND seq = 1000001"
    ),
}  # fmt: skip


@gate(54, "the ledger edited by a superuser")
def tamper(trial: Trial) -> None:
    """Each corruption is named by the verification and by the auditor, and is undone afterwards."""
    rig, work = trial.rig, trial.work()
    client = work.client()
    for _ in range(3):
        work.sell(client)
    rig.suite.quiesce()
    journal = rig.sql(BOOKS, "SELECT journal FROM journal_entry WHERE seq = 3 ORDER BY journal LIMIT 1")[0][0]
    trial.result.expect(client.read("/v1/ledger/verification")["verified"], "the untouched ledger does not verify")
    rig.superuser(BOOKS, *(f"CREATE TABLE kept_{t} AS TABLE {t}" for t in _TABLES))
    try:
        for name, statement in TAMPERINGS.items():
            rig.superuser(BOOKS, statement.format(journal=journal))
            told = client.read("/v1/ledger/verification")
            first = next((j["first_bad"] for j in told["journals"] if j["first_bad"]), None)
            trial.result.expect(not told["verified"] and first, f"{name}: not found by the verification")
            trial.result.expect(_auditor_objects(trial), f"{name}: not found by the auditor")
            _restore(trial)
    finally:
        _restore(trial)
        rig.superuser(BOOKS, *(f"DROP TABLE kept_{t}" for t in _TABLES))
    client.close()
    trial.result.figures["tamperings"] = len(TAMPERINGS)


_TABLES = ("journal_entry", "journal_line")


def _restore(trial: Trial) -> None:
    trial.rig.superuser(
        BOOKS, *(f"DELETE FROM {t}; INSERT INTO {t} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{t}" for t in _TABLES)
    )


def _auditor_objects(trial: Trial) -> bool:
    urls = trial.rig.root / "urls.json"
    urls.write_text(json.dumps({n: u.auditor for n, u in trial.rig.suite.databases.items()}))
    argv = [sys.executable, "-m", "deploy.auditor", "--urls", str(urls), "--grace", "0", "--only", "I29,I30,I31,I32"]
    return subprocess.run(argv, cwd=CHECKOUT, env=_environment(), capture_output=True).returncode == 1


# -- database roles ---------------------------------------------------------------------------------------------------

_FORBIDDEN = {
    BOOKS: [
        "UPDATE journal_line SET debit = 1",
        "DELETE FROM journal_line",
        "TRUNCATE journal_line",
        "UPDATE journal_entry SET reference = 'x' WHERE state = 'posted'",
        "UPDATE journal_entry SET hash = 'x' WHERE state = 'posted'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry CASCADE",
        "DELETE FROM ledger_head",
        "UPDATE ledger_anchor SET hash = 'x'",
        "DELETE FROM period",
        "ALTER TABLE journal_line DISABLE TRIGGER ALL",
    ],
    STOCK: ["UPDATE stock_move SET quantity = 1", "DELETE FROM stock_move", "DELETE FROM delivery"],
    SALES: ["UPDATE order_trace SET at = now()", "DELETE FROM order_trace"],
}
_EVERYWHERE = [
    "UPDATE audit SET actor = 'x'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "CREATE TABLE mine (x int)",
    "DROP TABLE audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE ROLE mine",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY audit TO PROGRAM 'cat'",
    "DROP FUNCTION refuse_change() CASCADE",
    "SELECT lo_from_bytea(0, 'x')",
]
_FORBIDDEN_TO_READERS = [
    "DELETE FROM audit",
    "INSERT INTO timer VALUES ('x', now())",
    "SELECT keep_outbox_partitions(2, 13)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_try_advisory_lock(4218)",
    "SELECT content FROM file_chunk",
    "SELECT body FROM idempotency",
    "SELECT envelope FROM inbox",
]


@gate(55, "database roles outside their rights")
def overreach(trial: Trial) -> None:
    rig, tried = trial.rig, 0
    work = trial.work()
    client = work.client()
    work.sell(client)
    client.close()
    rig.suite.quiesce()
    for service in contracts.SERVICES:
        for statement in [*_EVERYWHERE, *_FORBIDDEN.get(service, [])]:
            tried += 1
            code = sqlstate(rig.suite.databases[service].application, statement)
            trial.result.expect(code == "42501", f"{service}: {statement}: {code or 'allowed'}")
        for other in rig.suite.databases:
            if other != service:
                tried += 1
                told = _connecting(rig.suite.databases[service].application, f"{rig.suite.name}_{other}")
                trial.result.expect("permission denied" in told, f"{service} reaches the database of {other}: {told}")
        for statement in _FORBIDDEN_TO_READERS:
            code = sqlstate(rig.suite.databases[service].auditor, f"SET TRANSACTION READ WRITE; {statement}")
            trial.result.expect(code == "42501", f"the auditor in {service}: {statement}: {code or 'allowed'}")
    trial.result.figures["statements"] = tried


def sqlstate(url: str, statement: str) -> str:
    """The code with which a statement fails; it is rolled back in any case."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return ""
    except psycopg2.Error as error:
        return str(error.pgcode)
    finally:
        connection.rollback()
        connection.close()


def _connecting(url: str, database: str) -> str:
    """What is said to the owner of these credentials who asks for that database."""
    try:
        psycopg2.connect(url, dbname=database).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return "let in"
