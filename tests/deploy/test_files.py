"""Secrets and state are private and never half written."""

from pathlib import Path

from deploy.local.files import Secrets, read_json, write_json, write_private


def test_private_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = Secrets(path).get("a")
    assert Secrets(path).get("a") == first
    assert len(first) >= 32


def test_two_holders_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, other = Secrets(tmp_path / "s.json"), Secrets(tmp_path / "s.json")
    kept = one.get("a")
    other.get("b")
    one.get("c")
    assert set(read_json(tmp_path / "s.json")) == {"a", "b", "c"}
    assert other.get("a") == kept


def test_damaged_json_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path, {}) == {}
    path.write_text('{"a": ')
    assert read_json(path, 7) == 7
    write_json(path, [1])
    assert read_json(path) == [1]
