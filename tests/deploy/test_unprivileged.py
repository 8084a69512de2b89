"""A10: what root starts does not run as root, and reads nothing but its own keys."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import unprivileged
from deploy.local.accounts import AS_WE_ARE, Account
from deploy.local.console import Stop
from deploy.local.files import open_log, write_private
from deploy.local.supervisor import Spec, Supervisor
from tests.shared.waiting import until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as somebody else")
LOOK = """
import json, os, sys
def may(path, mode):
    try: return bool(open(path, mode).close()) or True
    except PermissionError: return False
found = [[may(path, mode) for path in sys.argv[1:]] for mode in ("r", "r+")]
print(json.dumps([os.getuid(), os.getgid(), os.getgroups(), *found]), flush=True)
"""
SYSTEM_PYTHON = [next(p for p in ("/usr/bin/python3", "/usr/local/bin/python3", sys.executable) if Path(p).exists())]
"""One that is open to all."""


CLOSED = Path("/var/tmp") / f"liaison-test-{os.getpid()}"


@pytest.fixture
def files() -> Iterator[list[Path]]:
    """A file for the account, one that is not, and one in a folder that is closed to others."""
    (CLOSED / "closed").mkdir(parents=True)
    CLOSED.chmod(0o755)
    (CLOSED / "closed").chmod(0o700)
    paths = [CLOSED / "key", CLOSED / "other", CLOSED / "closed" / "open"]
    for path in paths:
        write_private(path, "secret")
    Account(unprivileged._name()).take(paths[0])
    paths[2].chmod(0o644)
    yield paths
    shutil.rmtree(CLOSED)


def look(account: Account, files: list[Path], log: Path) -> Any:
    """What a process of the supervisor finds out about itself: ids, and what it may read and change."""
    argv = [*SYSTEM_PYTHON, "-c", LOOK, *map(str, files)]
    supervisor = Supervisor([Spec("a", argv, {}, Path("/"), account=account)], log, report=lambda _text: None)
    try:
        supervisor.start_all()
        until(lambda: supervisor.log_of("a").read_text().endswith("\n"))
        assert supervisor.log_of("a").stat().st_mode & 0o777 == 0o640
        return json.loads(supervisor.log_of("a").read_text().splitlines()[0])
    finally:
        supervisor.stop_all()


@AS_ROOT
def test_a_process_has_neither_the_rights_nor_the_files_of_root(files: list[Path], tmp_path: Path) -> None:
    user, group, groups, readable, writable = look(Account(unprivileged._name()), files, tmp_path / "log")
    assert user != 0 and group != 0 and 0 not in groups
    assert readable == [True, False, False] and writable == [True, False, False]


@AS_ROOT
def test_where_the_checkout_is_closed_it_may_look_in(files: list[Path], tmp_path: Path) -> None:
    """And change nothing: of the rights of root it has that single one, and can win back no other."""
    user, group, groups, readable, writable = look(
        Account(unprivileged._name(), reads_all=True), files, tmp_path / "log"
    )
    assert user != 0 and group != 0 and 0 not in groups
    assert readable == [True, True, True] and writable == [True, False, False]


@AS_ROOT
def test_the_account_depends_on_the_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "services").mkdir()
    for package in ("gateway", "shared", "psycopg2"):
        (tmp_path / "services" / package).mkdir()
        (tmp_path / "services" / package / "__init__.py").touch()
    (tmp_path / "services" / "shared" / "kernel").mkdir()
    (tmp_path / "services" / "shared" / "kernel" / "settings.py").touch()
    chosen = unprivileged.account(tmp_path, Path(SYSTEM_PYTHON[0]), tmp_path)
    assert chosen.name == unprivileged._name() and chosen.reads_all
    told = capsys.readouterr().out
    assert "may read all files, change none" in told and told.count("\n") == 1
    assert unprivileged.account(tmp_path / "nowhere", Path("/nowhere/python"), tmp_path) == AS_WE_ARE
    assert "run as root" in capsys.readouterr().out


@AS_ROOT
def test_ports_of_root_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = tmp_path / "ip_unprivileged_port_start"
    first.write_text("1024\n")
    account = Account(unprivileged._name())
    monkeypatch.setattr(unprivileged, "_PORTS", first)
    with pytest.raises(Stop, match="LIAISON_HTTP_PORT=80: ports below 1024 are for root"):
        unprivileged.refuse_port(account, 80)
    unprivileged.refuse_port(account, 1024)
    unprivileged.refuse_port(AS_WE_ARE, 80)


def test_a_log_of_an_earlier_start_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n")
    path.chmod(0o644)
    with open_log(path) as log:
        log.write(b"after\n")
    assert path.read_text() == "before\nafter\n" and path.stat().st_mode & 0o777 == 0o640
