"""One clock: a file moves it for all processes, forward only, in development only."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from shared.jobs.storage import sweep
from shared.kernel import clock, ids
from shared.kernel.clock import Moved
from shared.kernel.settings import NotInProduction, clock_file
from shared.kernel.signing import ACCESS, Keys, Signer, key_id
from shared.messaging.timers import Timers
from shared.storage.present import timed
from tests.harness import Harness
from tests.suite import CHECKOUT

YEAR = timedelta(days=365)
READS = (
    "from shared.kernel import clock, ids; from shared.kernel.time_zones import day_at\n"
    "print(clock.now().timestamp(), clock.seconds(), (ids.new_id().int >> 80) / 1000)"
)


def _python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}"
    return subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, env={"PYTHONPATH": path, **env}, capture_output=True, text=True
    )


def test_a_process_follows_the_file(tmp_path: Path) -> None:
    """Instants, seconds of tokens and ids are of the same year."""
    Moved(tmp_path / "clock").forward(YEAR)
    env = {"LIAISON_MODE": "development", "LIAISON_CLOCK_FILE": str(tmp_path / "clock")}
    read = [float(value) for value in _python("-c", READS, **env).stdout.split()]
    expected = (datetime.now(UTC) + YEAR).timestamp()
    assert len(read) == 3 and all(abs(value - expected) < 30 for value in read)


def test_a_running_process_sees_it_move_and_only_forward(tmp_path: Path) -> None:
    here, elsewhere = Moved(tmp_path / "clock"), Moved(tmp_path / "clock")
    assert here.ahead() == timedelta()
    assert elsewhere.forward(YEAR) == YEAR and here.ahead() == YEAR
    assert elsewhere.forward(timedelta(hours=1)) == YEAR + timedelta(hours=1) == here.ahead()
    with pytest.raises(ValueError, match="forward"):
        here.forward(timedelta(seconds=-1))
    (tmp_path / "replaced").write_text("5")
    (tmp_path / "replaced").replace(tmp_path / "clock")
    assert here.ahead() == YEAR + timedelta(hours=1), "whatever the file says"


@pytest.mark.parametrize("mode", [{}, {"LIAISON_MODE": "production"}, {"LIAISON_MODE": "Development"}])
def test_production_refuses_to_start_with_it(mode: dict[str, str]) -> None:
    with pytest.raises(NotInProduction, match="LIAISON_CLOCK_FILE moves the clock, which is for development"):
        clock_file({**mode, "LIAISON_CLOCK_FILE": "/a/clock"})
    assert clock_file(mode) == ""


def test_a_process_in_production_ends_with_the_sentence() -> None:
    ended = _python("-m", "shared.ops.serve", "erp_inventory", LIAISON_CLOCK_FILE="/a/clock")
    assert ended.returncode == 1 and "development and tests only" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_operator_moves_it(tmp_path: Path) -> None:
    env = {"LIAISON_MODE": "development", "LIAISON_CLOCK_FILE": str(tmp_path / "clock")}
    assert "365 days, 0:00:00 ahead" in _python("-m", "shared.ops.operator", "clock", "--days", "365", **env).stdout
    back = _python("-m", "shared.ops.operator", "clock", "--to", "2001-01-01", **env)
    assert back.returncode == 1 and "the clock only moves forward" in back.stderr
    assert "is not set" in _python("-m", "shared.ops.operator", "clock").stderr


def test_tokens_and_ids_obey_it(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    signer, keys = Signer(str(file)), Keys(own=key.public_key())
    now = int(clock.seconds())
    token = signer.sign(ACCESS, "tests", {"sub": "ann", "iat": now, "exp": now + 600})
    assert keys.verify(ACCESS, "tests", token)["sub"] == "ann"
    with clock.shifted(timedelta(minutes=11)), pytest.raises(jwt.InvalidTokenError, match="expired"):
        keys.verify(ACCESS, "tests", token)
    with clock.shifted(timedelta(minutes=-2)), pytest.raises(jwt.InvalidTokenError, match="not yet valid"):
        keys.verify(ACCESS, "tests", token)
    with clock.shifted(YEAR):
        assert _instant_of(ids.new_id()) - clock.now() < timedelta(seconds=1)
        assert _instant_of(ids.new_id()) > datetime.now(UTC) + timedelta(days=364)


@pytest.mark.parametrize("times", [{"exp": "soon"}, {"exp": float("nan")}, {"exp": None}, {"iat": [1]}, {"nbf": 1e12}])
def test_a_token_with_odd_times_is_refused(tmp_path: Path, times: dict[str, object]) -> None:
    """PyJWT does not look at them any more, so we do (RFC 7519, section 4.1)."""
    key = Ed25519PrivateKey.generate()
    keys, now = Keys(own=key.public_key()), int(clock.seconds())
    claims = {"iss": "liaison", "aud": "tests", "sub": "ann", "iat": now, "exp": now + 600, **times}
    headers = {"kid": key_id(key.public_key()), "typ": ACCESS}
    with pytest.raises(jwt.InvalidTokenError):
        keys.verify(ACCESS, "tests", jwt.encode(claims, key, algorithm="EdDSA", headers=headers))


def test_sql_obeys_it(toy: Harness) -> None:
    """Each execution asks the clock anew, also when the statement is prepared."""
    statement = timed("SELECT present() - now() WHERE :n > 0")
    with toy.session() as session:
        for days in (0, 1, 365, 2, 30):
            with clock.shifted(timedelta(days=days)):
                assert session.execute(statement, {"n": 1}).scalar_one() == timedelta(days=days)


def test_timers_and_what_they_forget_obey_it(toy: Harness) -> None:
    """A timer is due when its period has passed on the clock; a key is forgotten thirty days after its answer."""
    key = "a-key-of-sixteen-or-more"
    with clock.shifted(YEAR):
        made = toy.reply("create_thing", body={"name": "lamp"}, key=key)
    for days, again in ((364, True), (365 + 29, True), (365 + 31, False)):
        with clock.shifted(timedelta(days=days)):
            _housekeeping(toy)
            assert toy.reply("create_thing", body={"name": "lamp"}, key=key).replayed is again, days
            assert not _housekeeping(toy), "an hour has not passed"
    assert made.status == 201


def _housekeeping(toy: Harness) -> bool:
    """Let the machinery's timer look whether it is due; whether it was."""
    timers = Timers(toy.service, toy.name, toy.engine, {}, sweep)
    last_run = text("SELECT last_run FROM timer WHERE name = 'housekeeping'")
    with toy.session() as session:
        before = session.execute(last_run).scalar()
        timers._tick(session, timers.handlers["housekeeping"])
        after = session.execute(last_run).scalar()
        session.commit()
    return before != after


def test_a_timer_that_sleeps_wakes_when_the_clock_moves(toy: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at the clock between its steps; the clock moves at the third look."""
    looks = iter([timedelta(), timedelta()])
    monkeypatch.setattr(clock, "can_move", lambda: True)
    monkeypatch.setattr(clock, "ahead", lambda: next(looks, YEAR))
    begun = time.monotonic()
    assert Timers(toy.service, toy.name, toy.engine, {})._sleep(30)
    assert time.monotonic() - begun < 15


def _instant_of(made: UUID) -> datetime:
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
