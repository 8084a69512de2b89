"""Rows 106 and 107: what holds credentials inside, of a database or of the broker, and wants more."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pika
import psycopg2

from shared import contracts
from shared.messaging.topology import STREAM
from tests.deploy.test_least_rights import SPOILED
from tests.faults.client import Answer, Client
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.rights import REFUSALS, refusal, sqlstate
from tests.faults.workload import BOOKS, SALES, STOCK

_REFUSED = "42501"

# -- 106 --------------------------------------------------------------------------------------------------------------

_FUNCTIONS = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'"
    " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
)
_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
_LARGE_OBJECTS = (
    "SELECT lo_create(0)", "SELECT lo_creat(-1)", "SELECT lo_from_bytea(0, 'x')", "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_import('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')", "SELECT lo_unlink(1)", "SELECT lo_open(1, 131072)",
)  # fmt: skip
_BY_READERS = (
    "SELECT keep_outbox_partitions(-1, -5)", "CREATE TEMP TABLE mine (x int)", "CREATE TABLE mine (x int)",
    "SELECT pg_advisory_lock(4218)", "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'cat'", "SET session_replication_role = replica",
)  # fmt: skip
_NONSENSE = ("-1, -5", "2, 0", "NULL, NULL", "1000, 1000")


@gate(106, "roles of the databases and the operator of the broker change what they may only read")
def insiders(trial: Trial) -> None:
    """A6: functions, large objects, partitions, defaults of roles, connections, queues; meanwhile all sell."""
    rig, work = trial.rig, trial.work()
    with work.running(clients=2):
        tried = sum(_by_a_reader(trial, service) + _by_a_service(trial, service) for service in contracts.SERVICES)
        tried += _by_the_operator(trial)
        _take_all_connections(trial)
        with _spoiled(trial, SALES, STOCK):
            killed = [f"{SALES}.1", f"{STOCK}.1"] if trial.short else rig.processes(SALES) + rig.processes(STOCK)
            for name in killed:
                rig.suite.supervisor.kill(name)
            rig.suite.supervisor.wait_ready(60, killed)
            time.sleep(trial.lasting(8, 2))
    trial.result.figures["attempts"] = tried


def _by_a_reader(trial: Trial, service: str) -> int:
    url = trial.rig.suite.databases[service].auditor
    functions = [f"SELECT {_with_nulls(name)}" for (name,) in trial.rig.sql(service, _FUNCTIONS)]
    tables = [name for (name,) in trial.rig.sql(service, _TABLES)]
    writing = [f"DELETE FROM {name}" for name in tables] + [f"TRUNCATE {name}" for name in tables]
    owner = trial.rig.sql(service, "SELECT quote_ident(current_user)")[0][0]
    tries = [*functions, *_LARGE_OBJECTS, *_BY_READERS, *writing, f"SET ROLE {owner}"]
    for statement in tries:
        code = sqlstate(url, f"SET TRANSACTION READ WRITE; {statement}")
        trial.result.expect(code == _REFUSED, f"the auditor in {service}: {statement}: {code or 'allowed'}")
    return len(tries)


def _with_nulls(function: str) -> str:
    """A call of a function, given as `name(type,type)`."""
    name, _, types = function.rstrip(")").partition("(")
    return f"{name}({', '.join(f'NULL::{one}' for one in types.split(',') if one)})"


def _by_a_service(trial: Trial, service: str) -> int:
    url = trial.rig.suite.databases[service].application
    counted = "SELECT count(*) FROM outbox WHERE created_at < now() - interval '1 minute'"
    before = trial.rig.sql(service, counted)[0][0]
    for statement in _LARGE_OBJECTS:
        code = sqlstate(url, statement)
        trial.result.expect(code == _REFUSED, f"{service}: {statement}: {code or 'allowed'}")
    for months in _NONSENSE:
        code = sqlstate(url, f"SELECT keep_outbox_partitions({months})")
        trial.result.expect(code == "22023", f"{service}: partitions of {months}: {code or 'allowed'}")
    trial.result.expect(trial.rig.sql(service, counted)[0][0] >= before, f"{service}: events are gone")
    return len(_LARGE_OBJECTS) + len(_NONSENSE)


def _by_the_operator(trial: Trial) -> int:
    """Every queue there is: none is emptied, read or deleted."""
    names = trial.rig.servers.rabbitmqctl("-q", "list_queues", "-p", trial.rig.suite.name, "name", "--no-table-headers")
    queues = names.split()
    for queue in queues:
        for what in ("queue_purge", "queue_delete", "basic_get"):
            if queue == STREAM and what == "basic_get":
                continue  # it may be looked into, from a position
            code = refusal(trial, "operator", lambda channel, q=queue, w=what: getattr(channel, w)(q))
            trial.result.expect(code in (403, 405, 540), f"the operator: {what} of {queue}: {code or 'allowed'}")
    trial.result.expect(len(queues) > 20, f"only {len(queues)} queues were found")
    return 3 * len(queues)


def _take_all_connections(trial: Trial) -> None:
    """As many as one service's role gets: its share ends, and others are served as before."""
    held: list[Any] = []
    client = trial.works[0].client()
    try:
        with suppress(psycopg2.OperationalError):
            while len(held) < 300:
                held.append(psycopg2.connect(trial.rig.suite.databases[STOCK].application))
        answer = client.once("GET", "/v1/contacts?limit=1")
        trial.result.expect(len(held) < 300, "one role takes all connections")
        trial.result.expect(answer.status == 200, f"others are answered {answer.status}")
        trial.result.figures["connections"] = len(held)
    finally:
        for connection in held:
            connection.close()
        client.close()


@contextmanager
def _spoiled(trial: Trial, *services: str) -> Iterator[None]:
    """Roles that change their own defaults, as whoever has taken over a service may."""
    roles = []
    for service in services:
        url = trial.rig.suite.databases[service].application
        roles.append(trial.rig._query(url, "SELECT quote_ident(current_user)", ())[0][0])
        for name, value in SPOILED.items():
            trial.rig._query(url, f"SET TRANSACTION READ WRITE; ALTER ROLE {roles[-1]} SET {name} = '{value}'", ())
    try:
        yield
    finally:
        for role in roles:
            trial.rig._query(trial.rig.servers.pg_admin_url, f"ALTER ROLE {role} RESET ALL", ())


# -- 107 --------------------------------------------------------------------------------------------------------------


@gate(107, "a service answers calls of another, or guesses their ids")
def answer_for_another(trial: Trial) -> None:
    """A7: also one that has overheard everything about a call; and of the ids nothing can be foreseen."""
    rig, work = trial.rig, trial.work()
    vhost = rig.suite.name
    rig.suite.supervisor.patience = 120
    rig.servers.rabbitmqctl("trace_on", "-p", vhost)
    try:
        with work.running(clients=2), rig.channel() as channel:
            heard = _Wiretap(channel)
            _impersonate(trial, heard)
            _guess(trial, heard)
    finally:
        rig.servers.rabbitmqctl("trace_off", "-p", vhost)


class _Wiretap:
    """What is published to the exchange of calls, as the broker's own tracing tells the administrator."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(self.queue, "amq.rabbitmq.trace", "publish.nameko-rpc")

    def calls(self, operation: str = "") -> list[tuple[str, str]]:
        """(call id, where the answer goes) of what was heard since the last time."""
        found = []
        while True:
            method, properties, _ = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return found
            told = properties.headers
            (key,) = told["routing_keys"]
            if key.partition(".")[0] in contracts.SERVICES and operation in key:  # edges tell each other things, too
                found.append((told["properties"]["correlation_id"], told["properties"]["reply_to"]))


def _impersonate(trial: Trial, heard: _Wiretap) -> None:
    """The called service is frozen, so that the forged answers come first."""
    rig, client = trial.rig, trial.works[0].client()
    for account in (BOOKS, None, STOCK):  # itself, nobody, and the called one
        heard.calls()
        _freeze(trial, True)
        answers: list[Answer] = []
        asking = threading.Thread(target=_ask, args=(client, answers))
        asking.start()
        try:
            ((call, reply_to), *_) = until(lambda: heard.calls("list_products"), 3, "the call")
            _forge(trial, account, call, reply_to)
        finally:
            _freeze(trial, False)
            asking.join()
        shown = answers[0].body
        trial.result.expect(b"forged" not in shown, f"the answer as {account} was taken: {shown[:100]!r}")
        trial.result.expect(answers[0].status in (200, 503, 504), f"as {account}: {answers[0].status}")
    told = rig.log("gateway").count("answer of another service")
    trial.result.expect(told >= 2, f"the gateway noted {told} answers of others")
    client.close()


def _ask(client: Client, answers: list[Answer]) -> None:
    answers.append(client.once("GET", "/v1/products?limit=1"))


def _freeze(trial: Trial, frozen: bool) -> None:
    for name in trial.rig.processes(STOCK):
        trial.rig.suite.supervisor.send(name, signal.SIGSTOP if frozen else signal.SIGCONT)


def _forge(trial: Trial, account: str | None, call: str, reply_to: str) -> None:
    """An answer by the account of the books; what it says of itself may be refused by the broker."""
    body = json.dumps({"error": None, "result": {"data": [{"id": "forged"}], "next_cursor": None}}).encode()
    properties = pika.BasicProperties(
        content_type="application/json", content_encoding="utf-8", correlation_id=call, user_id=account,
        headers={"liaison.status": 200},
    )  # fmt: skip
    with suppress(*REFUSALS), trial.rig.channel(BOOKS) as channel:
        channel.confirm_delivery()
        channel.basic_publish("nameko-rpc", reply_to, body, properties)
        trial.result.expect(account != STOCK, "the broker lets the books say that they are the stock")


def _guess(trial: Trial, heard: _Wiretap) -> None:
    """Ids of many calls have nothing in common; answers to guessed ones reach nobody."""
    trial.nobody_may_exit()
    found = dict(until(lambda: _many(heard), 20, "calls"))
    ids = list(found)
    trial.result.expect(all(len(bytes.fromhex(one)) == 16 for one in ids), "a call id is not 128 bits")
    alike = len(ids) - min(len({one[:8] for one in ids}), len({one[-8:] for one in ids}))
    trial.result.expect(alike == 0, f"{alike} of {len(ids)} call ids begin or end alike")
    reply_to, last = list(found.values())[-1], int(ids[-1], 16)
    with trial.rig.channel(BOOKS) as channel:
        for near in range(200):
            for guess in (f"{(last + near) % 2**128:032x}", str(near), uuid4().hex):
                channel.basic_publish(
                    "nameko-rpc", reply_to, b"{}", pika.BasicProperties(correlation_id=guess, user_id=BOOKS)
                )
    trial.result.figures |= {"call_ids": len(ids), "guesses": 600}


def _many(heard: _Wiretap) -> list[tuple[str, str]]:
    time.sleep(0.5)
    found = heard.calls()
    return found if len(found) >= 20 else []
