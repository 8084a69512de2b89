"""Missing packages are named with the command that installs them; Debian's own servers are not started."""

import os
import stat
from pathlib import Path

import pytest

from deploy.local import packages, postgresql, rabbitmq
from deploy.local.console import Stop


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", path)
    monkeypatch.setattr(packages, "POLICY_ASIDE", tmp_path / "aside")
    return path


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "programs", lambda: None)
    monkeypatch.setattr(rabbitmq, "programs", lambda: None)


def test_autostart_is_refused_while_installing(policy: Path) -> None:
    with packages._no_autostart():
        assert policy.read_text().endswith("exit 101\n")
        assert policy.stat().st_mode & stat.S_IXUSR
    assert not policy.exists()


def test_what_was_there_comes_back_even_after_a_failure(policy: Path, tmp_path: Path) -> None:
    policy.symlink_to("/bin/true")
    with pytest.raises(RuntimeError), packages._no_autostart():
        raise RuntimeError
    assert policy.is_symlink() and os.readlink(policy) == "/bin/true"
    assert list(tmp_path.iterdir()) == [policy]


def test_an_installation_that_was_cut_off_is_repaired(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "aside").write_text("theirs")
    policy.write_text("ours, left behind")
    with packages._no_autostart():
        pass
    assert policy.read_text() == "theirs"


def test_nothing_to_install_where_servers_are_given(nothing_installed: None) -> None:
    packages.ensure(need_postgresql=False, need_rabbitmq=False)


def test_not_root(nothing_installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Stop, match=r"Run once as root: apt-get install .* postgresql rabbitmq-server$") as refused:
        packages.ensure(need_postgresql=True, need_rabbitmq=True)
    assert refused.value.exit_code == 2


def test_not_debian(nothing_installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(Stop, match="AMQP_URI and DATABASE_URL"):
        packages.ensure(need_postgresql=True, need_rabbitmq=True)
