"""Users and sessions on a real database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text, update

from gateway.errors import RefreshRefused, SignInRefused
from gateway.identity import accounts, operator
from gateway.models import RefreshToken, User
from shared.kernel import clock
from shared.storage.database import new_engine, new_session
from tests.conftest import Databases

EMAIL, PASSWORD = "ada@lamp.example", "correct-horse-battery"


@pytest.fixture
def engine(databases: Databases) -> Iterator[Engine]:
    urls = databases.fresh("gateway")
    engine = new_engine(urls.application, pool_size=4)
    operator.create(engine, EMAIL, "Ada", ["sales"], PASSWORD)
    yield engine
    engine.dispose()
    databases.drop(urls)


def test_sign_in(engine: Engine) -> None:
    user, token, _ = accounts.sign_in(engine, " ADA@lamp.example ", PASSWORD)
    assert (user.email, user.roles) == (EMAIL, ["sales"]) and len(token) == 43


def test_one_refusal_for_every_reason(engine: Engine) -> None:
    def refusal(email: str, password: str) -> str:
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in(engine, email, password)
        return refused.value.text("en")

    texts = {refusal(EMAIL, "wrong"), refusal("nobody@lamp.example", PASSWORD)}
    with new_session(engine) as session:
        session.execute(update(User).values(active=False))
        session.commit()
    assert {refusal(EMAIL, PASSWORD)} == texts


def test_the_database_holds_no_secret_in_clear(engine: Engine) -> None:
    _, token, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    with engine.connect() as connection:
        rows = str(connection.execute(text("SELECT c::text, r::text FROM credential c, refresh_token r")).all())
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in rows
    assert PASSWORD not in rows and token not in rows


def test_a_refresh_token_works_once_and_its_copy_ends_the_family(engine: Engine) -> None:
    _, first, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    _, second, _ = accounts.refresh(engine, first)
    _, third, _ = accounts.refresh(engine, second)
    with pytest.raises(RefreshRefused):
        accounts.refresh(engine, first)
    with pytest.raises(RefreshRefused):
        accounts.refresh(engine, third)


def test_another_session_is_not_touched(engine: Engine) -> None:
    _, first, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    _, other, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    accounts.revoke(engine, first)
    with pytest.raises(RefreshRefused):
        accounts.refresh(engine, first)
    accounts.refresh(engine, other)


def test_exchanged_by_two_at_once_only_one_gets_the_next(engine: Engine) -> None:
    _, token, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    barrier = threading.Barrier(4)

    def exchange() -> bool:
        barrier.wait()
        try:
            accounts.refresh(engine, token)
        except RefreshRefused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: exchange(), range(4))) == [False, False, False, True]


def test_a_family_ends_after_thirty_days_however_often_it_was_refreshed(engine: Engine) -> None:
    _, token, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    with clock.shifted(timedelta(days=29)):
        _, token, _ = accounts.refresh(engine, token)
    with clock.shifted(timedelta(days=31)), pytest.raises(RefreshRefused):
        accounts.refresh(engine, token)


def test_an_inactive_user_cannot_refresh(engine: Engine) -> None:
    _, token, _ = accounts.sign_in(engine, EMAIL, PASSWORD)
    with new_session(engine) as session:
        session.execute(update(User).values(active=False))
        session.commit()
    with pytest.raises(RefreshRefused):
        accounts.refresh(engine, token)


def test_expired_tokens_are_swept_at_the_next_sign_in(engine: Engine) -> None:
    accounts.sign_in(engine, EMAIL, PASSWORD)
    with clock.shifted(timedelta(days=31)):
        accounts.sign_in(engine, EMAIL, PASSWORD)
    with new_session(engine) as session:
        assert len(session.scalars(select(RefreshToken)).all()) == 1


def test_unknown_tokens(engine: Engine) -> None:
    accounts.revoke(engine, "never-issued")
    with pytest.raises(RefreshRefused):
        accounts.refresh(engine, "never-issued")


def test_the_operators_command(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = databases.fresh("gateway")
    monkeypatch.setenv("LIAISON_GATEWAY_DATABASE_URL", urls.application)
    monkeypatch.setenv("LIAISON_ADMIN_PASSWORD", "short")
    arguments = ["create", "--email", "Grace@lamp.example", "--role", "admin", "--role", "accountant"]
    assert operator.main(arguments) == 2
    monkeypatch.setenv("LIAISON_ADMIN_PASSWORD", PASSWORD)
    assert operator.main(arguments) == 0
    assert operator.main(arguments) == 0
    output = capsys.readouterr().out
    assert "grace@lamp.example created" in output and "grace@lamp.example exists already" in output
    assert PASSWORD not in output
    engine = new_engine(urls.application, pool_size=1)
    user, _, _ = accounts.sign_in(engine, "grace@lamp.example", PASSWORD)
    assert user.roles == ["admin", "accountant"]
    engine.dispose()
    databases.drop(urls)
