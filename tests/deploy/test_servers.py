"""The private pair starts, breaks and recovers the way the fault tests need it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import amqp
import kombu
import psycopg2
import pytest

from deploy.local import servers
from deploy.local.console import Stop
from deploy.local.rabbitmq import password_hash
from deploy.local.servers import Servers


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pair")


@pytest.fixture(scope="module")
def pair(root: Path) -> Iterator[Servers]:
    running = servers.start(root, "log_temp_files = 1024")
    yield running
    running.stop()
    assert running.processes() == {}
    if (root / "servers").is_symlink():
        shutil.rmtree((root / "servers").resolve())


def connect(pair: Servers) -> kombu.Connection:
    connection = kombu.Connection(pair.amqp_admin_uri, connect_timeout=5)
    connection.connect()
    return connection


def setting(pair: Servers, name: str) -> str:
    connection = psycopg2.connect(pair.pg_admin_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting(%s)", (name,))
            return str((cursor.fetchone() or ("",))[0])
    finally:
        connection.close()


def listening(pids: set[int]) -> set[str]:
    """Addresses on which these processes listen, from the kernel's own table."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:
                continue  # closed since the folder was read
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].rpartition(":")[0])
    return found


def test_everything_listens_on_loopback_only(pair: Servers) -> None:
    addresses = listening({process.pid for process in pair.processes().values()})
    assert addresses <= {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    assert len(pair.processes()) == 3


def test_the_log_of_the_database_holds_nobodys_data(pair: Servers) -> None:
    """A10: neither the statement that failed, nor the row it was about, nor a statement that took long."""
    connection = psycopg2.connect(pair.pg_admin_url)
    connection.autocommit = True
    failing = [
        "INSERT INTO person VALUES ('Marie Canary')",
        "INSERT INTO person VALUES (NULL, 'Marie Canary')",
        "DO $$ BEGIN PERFORM 'Marie Canary'; RAISE 'told'; END $$",
        "SELECT 'Marie Canary' FROM nowhere",
    ]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE person (name text UNIQUE NOT NULL, other text)")
        cursor.execute("INSERT INTO person VALUES ('Marie Canary')")
        for statement in failing:
            with pytest.raises(psycopg2.Error):
                cursor.execute(statement)
        cursor.execute("DROP TABLE person")
    connection.close()
    log = pair.postgresql.log.read_text(encoding="utf-8")
    assert all(told in log for told in ("person_name_key", "not-null constraint", "told", "nowhere"))
    assert "Canary" not in log
    assert setting(pair, "log_min_duration_statement") == "-1" == setting(pair, "log_min_duration_sample")


def test_others_read_no_log(pair: Servers) -> None:
    """A10: 0640 at most."""
    logs = [pair.postgresql.log, pair.rabbitmq.log, pair.rabbitmq.home / "server.out"]
    assert [oct(path.stat().st_mode & 0o137) for path in logs] == ["0o0"] * 3


def test_data_is_durable_and_settings_can_be_added(pair: Servers) -> None:
    assert [setting(pair, name) for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
    assert setting(pair, "log_temp_files") == "1MB"


def test_the_servers_do_not_run_as_root(pair: Servers) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has another account to give up")
    for process in pair.processes().values():
        assert Path(f"/proc/{process.pid}").stat().st_uid != 0


def test_one_owner_at_a_time(pair: Servers, root: Path) -> None:
    with pytest.raises(Stop, match="another running command"):
        servers.start(root)


def test_another_process_can_attach(pair: Servers, root: Path) -> None:
    attached = servers.attach(root)
    assert attached.processes() == pair.processes()
    assert attached.amqp_admin_uri == pair.amqp_admin_uri
    assert attached.rabbitmqctl("list_users").split() == ["user", "tags", "admin", "[administrator]"]


def test_guest_is_unknown(pair: Servers) -> None:
    uri = f"amqp://guest:guest@127.0.0.1:{pair.rabbitmq.ports.amqp}/liaison"
    with pytest.raises(amqp.exceptions.AccessRefused), kombu.Connection(uri) as connection:
        connection.connect()


def test_kill_and_start_keeps_durable_messages(pair: Servers) -> None:
    with connect(pair) as connection:
        channel = connection.channel()
        channel.queue_declare("kept", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("x", delivery_mode=2), routing_key="kept")
    time.sleep(1)  # RabbitMQ writes its list of quorum queues half a second late; messages are safe at once
    before = pair.processes()
    pair.kill_rabbitmq()
    assert "rabbitmq" not in pair.processes()
    pair.start_rabbitmq()
    assert pair.processes()["rabbitmq"] != before["rabbitmq"]
    assert pair.processes()["epmd"] == before["epmd"]
    with connect(pair) as connection:
        assert connection.channel().basic_get("kept", no_ack=True).body == "x"


def test_the_broker_application_stops_and_starts(pair: Servers) -> None:
    pair.stop_app()
    with pytest.raises(OSError):
        connect(pair)
    pair.start_app()
    connect(pair).release()


def test_connections_are_closed(pair: Servers) -> None:
    connection = connect(pair)
    pair.close_all_connections()
    with pytest.raises((amqp.exceptions.ConnectionForced, OSError)):
        connection.drain_events(timeout=5)
    connection.collect()


def test_the_memory_alarm_comes_and_goes(pair: Servers) -> None:
    pair.set_vm_memory_high_watermark(0.0000001)
    assert "memory" in pair.rabbitmqctl("eval", "rabbit_alarm:get_alarms().")
    pair.set_vm_memory_high_watermark(0.4)
    assert pair.rabbitmqctl("eval", "rabbit_alarm:get_alarms().").strip() == "[]"


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_postgresql_restarts_with_its_data(pair: Servers, mode: servers.StopMode) -> None:
    before = pair.processes()["postgresql"]
    pair.restart_postgresql(mode)
    assert pair.processes()["postgresql"] != before
    assert setting(pair, "fsync") == "on"


def test_postgresql_recovers_from_kill(pair: Servers) -> None:
    server = pair.processes()["postgresql"]
    server.send(9)
    assert server.wait_gone(5)
    pair.start_postgresql()
    assert setting(pair, "fsync") == "on"


def test_password_hash_is_rabbitmqs() -> None:
    """The example of RabbitMQ's documentation."""
    assert password_hash("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_a_folder_closed_to_the_servers_accounts(tmp_path: Path) -> None:
    """Checked with an account that really is another one."""
    if os.geteuid() != 0:
        pytest.skip("only root starts servers under other accounts")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = servers.attach(closed / "local").postgresql.home.parent
    assert home.parent == Path("/var/tmp")
    assert (closed / "local" / "servers").resolve() == home
    assert subprocess.run(["test", "-x", str(home)], user="postgres").returncode == 0
    shutil.rmtree(home)
