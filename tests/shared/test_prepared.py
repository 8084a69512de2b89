"""A prepared statement means what it means when it is sent plainly, and never stands in the way."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from psycopg2 import errors, extensions, extras, sql
from sqlalchemy import text

from shared.kernel.context import Context
from shared.storage import prepared, transaction
from shared.storage.database import new_engine
from shared.storage.prepared import MOST_PLANS, SEEN_BEFORE, Connection, parsed
from tests.harness import Harness

OFTEN = SEEN_BEFORE + 3
ID = UUID("0190a1b2-0000-7000-8000-000000000001")


@pytest.fixture
def connection(toy_owner_url: str) -> Iterator[Connection]:
    made: Connection = psycopg2.connect(toy_owner_url, connection_factory=Connection)
    extras.register_uuid(conn_or_curs=made)
    with made.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE kept (n bigint, amount numeric, label text, at timestamptz, day date, key uuid,"
            " raw bytea, flag boolean, doc jsonb, amounts numeric[], labels text[], keys uuid[], times timestamptz[])"
        )
    made.commit()
    yield made
    made.close()


def _prepared(connection: Connection) -> list[str]:
    """The texts that the server has prepared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
        return [row[0] for row in cursor.fetchall()]


def _often(connection: Connection, statement: str, values: Any) -> list[Any]:
    """What a statement answers each time: plainly at first, prepared in the end."""
    answers = []
    for _ in range(OFTEN):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            answers.append((cursor.rowcount, cursor.fetchall() if cursor.description else None))
    return answers


VALUES: list[tuple[str, list[Any]]] = [
    ("n", [0, -1, 2**31 - 1, 2**31, -(2**63), None]),
    ("amount", [Decimal("12.340"), Decimal("-0.000001"), Decimal("1E+3"), 7, None]),
    ("label", ["", 'l\'été \\ "%" $1 %s', "-- ; DROP", None]),
    ("at", [datetime(2026, 7, 1, 12, 30, 0, 5, UTC), datetime(1, 1, 1, tzinfo=UTC), None]),
    ("day", [date(2026, 2, 28), None]),
    ("key", [ID, str(ID), None]),
    ("raw", [b"\x00\\'\xff", b"", None]),
    ("flag", [True, False, None]),
    ("doc", ['{"a": [1, "\\"b\\\\"]}', None]),
    ("amounts", [[], [Decimal("1.50"), None], [Decimal("-3")], None]),
    ("labels", [[], ["a,b", '{"}', "back\\slash", "", "NULL", None, "é\n"], None]),
    ("keys", [[], [ID, None], [str(ID)]]),
    ("times", [[datetime(2026, 7, 1, tzinfo=UTC), None], [datetime(1, 1, 1, tzinfo=UTC)]]),
]


@pytest.mark.parametrize(("column", "values"), VALUES)
def test_every_kind_of_value_arrives_as_it_does_plainly(connection: Connection, column: str, values: list[Any]) -> None:
    """The same INSERT plainly and prepared stores the same, for positions and for names."""
    kind = {"amounts": "numeric[]", "labels": "text[]", "keys": "uuid[]", "times": "timestamptz[]"}.get(column, "")
    for given in values:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM kept")
        mark = f"CAST(%s AS {kind})" if kind else "%s"
        for named in (False, True):
            statement = f"INSERT INTO kept ({column}) VALUES ({mark % '%(x)s' if named else mark})"
            assert {a[0] for a in _often(connection, statement, {"x": given} if named else (given,))} == {1}
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*), count(DISTINCT {column}::text), count({column}) FROM kept")
            rows, different, present = cursor.fetchone() or (0, 0, 0)
        assert (rows, different) == (2 * OFTEN, min(1, present)) and present in (0, rows)
    assert any(f"({column})" in found for found in _prepared(connection))


def test_a_number_is_not_rounded_to_the_type_of_its_neighbour(connection: Connection) -> None:
    """`greatest($1, 0)` alone would make an integer of $1."""
    answers = _often(connection, "SELECT greatest(%s, 0), %s + interval '1 day'", (Decimal("0.4"), date(2026, 1, 1)))
    assert {row for _, rows in answers for row in rows} == {(Decimal("0.4"), datetime(2026, 1, 2))}
    assert len(_prepared(connection)) == 1
    assert _often(connection, "SELECT 7 / %s, %s", (2, timedelta(seconds=20)))[-1][1] == [(3, timedelta(seconds=20))]


def test_null_and_number_in_the_same_place(connection: Connection) -> None:
    for value, expected in ((Decimal("1.5"), Decimal("1.5")), (None, Decimal(9)), (Decimal("2.5"), Decimal("2.5"))):
        answers = _often(connection, "SELECT coalesce(%(x)s, 9)", {"x": value})
        assert {rows[0][0] for _, rows in answers} == {expected}


def test_percent_signs_and_names_that_come_twice(connection: Connection) -> None:
    statement = "SELECT 7 %% 4, %(x)s LIKE '%%b%%', CAST(%(x)s AS uuid) IS NULL"
    assert _often(connection, statement, {"x": None})[-1][1] == [(3, None, True)]
    assert parsed("SELECT %(a)s, '100 %%', %(b)s, %(a)s") == prepared.Statement(
        "SELECT $1, '100 %', $2, $3", 3, ("a", "b", "a")
    )


def test_what_cannot_be_prepared_is_sent_as_before(connection: Connection) -> None:
    """The same expression twice is not the same with two parameters: PostgreSQL refuses, the transaction goes on."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept (n, label) VALUES (1, 'a'), (2, 'b')")
    grouped = "SELECT coalesce(label, %(x)s), count(*) FROM kept GROUP BY coalesce(label, %(x)s) ORDER BY 1"
    assert {str(a) for a in _often(connection, grouped, {"x": "z"})} == {"(2, [('a', 1), ('b', 1)])"}
    assert _often(connection, "SELECT count(*) FROM kept WHERE n IN %s", ((1, 2),))[-1][1] == [(2,)]
    assert _often(connection, "SELECT %s::float8", (0.5,))[-1][1] == [(0.5,)]
    assert _prepared(connection) == []
    connection.commit()
    assert _often(connection, "SELECT count(*) FROM kept WHERE n = %s", (1,))[-1][1] == [(1,)]


def test_errors_are_those_of_the_statement(connection: Connection) -> None:
    for _ in range(OFTEN):
        with pytest.raises(errors.UndefinedTable), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nowhere WHERE n = %s", (1,))
        connection.rollback()
        with pytest.raises(errors.InvalidTextRepresentation), connection.cursor() as cursor:
            cursor.execute("SELECT %s::uuid", ("no uuid",))
        connection.rollback()
        with pytest.raises(errors.NumericValueOutOfRange), connection.cursor() as cursor:
            cursor.execute("INSERT INTO kept (n) VALUES (%s)", (2**63,))
        connection.rollback()


def test_outside_a_transaction(connection: Connection) -> None:
    connection.autocommit = True
    assert {str(a) for a in _often(connection, "SELECT %s + 1", (1,))} == {"(1, [(2,)])"}
    assert len(_prepared(connection)) == 1
    assert _often(connection, "SELECT max(n) FROM kept GROUP BY n + %(x)s HAVING n + %(x)s > 0", {"x": 1})


def test_texts_that_vary_do_not_fill_the_server(connection: Connection) -> None:
    """The least recently used plan is given up, and the one in use stays."""
    for number in range(MOST_PLANS + 20):
        _often(connection, f"SELECT {number} + %s", (1,))
        _often(connection, "SELECT 'in use', %s", (1,))
    found = _prepared(connection)
    assert len(found) <= MOST_PLANS + 1
    assert any("'in use'" in statement for statement in found)
    assert not any("SELECT 0 +" in statement for statement in found)


def test_a_plan_is_made_anew_after_a_while(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "LIFETIME", 0.0)
    _often(connection, "SELECT %s + 1", (1,))
    assert connection.prepared == OFTEN - SEEN_BEFORE
    assert len(_prepared(connection)) == 1


def test_a_rollback_and_a_lost_savepoint_leave_the_plan(connection: Connection) -> None:
    for _ in range(OFTEN):
        assert _often(connection, "INSERT INTO kept (n) VALUES (%s) RETURNING n", (5,))[-1][1] == [(5,)]
        connection.rollback()
    assert len(_prepared(connection)) == 1


def test_statements_that_the_server_has_forgotten_are_prepared_again(connection: Connection) -> None:
    _often(connection, "SELECT %s + 1", (1,))
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        with pytest.raises(errors.InvalidSqlStatementName):
            cursor.execute("SELECT %s + 1", (1,))
    connection.rollback()
    assert _often(connection, "SELECT %s + 1", (1,))[-1][1] == [(2,)]


def test_a_migration_under_running_statements_is_a_collision(toy_owner_url: str) -> None:
    """A column changes its type while a plan that returns it is kept: the work runs again and succeeds."""
    name = f"migrated_{uuid4().hex}"
    read = text(f"SELECT amount FROM {name} WHERE id = :id")
    engine = new_engine(toy_owner_url, pool_size=1)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TEMPORARY TABLE {name} (id bigint, amount integer)"))
        connection.execute(text(f"INSERT INTO {name} VALUES (1, 5)"))
        for _ in range(OFTEN):
            assert connection.execute(read, {"id": 1}).scalar_one() == 5
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {name} ALTER amount TYPE text"))
    runs: list[int] = []

    def work(session: Any) -> Any:
        runs.append(1)
        return session.execute(read, {"id": 1}).scalar_one()

    assert transaction.run(engine, Context(), work) == "5"
    assert len(runs) == 2
    engine.dispose()


def test_patterns_are_planned_each_time(connection: Connection) -> None:
    _often(connection, "SELECT count(*) FROM kept WHERE label ILIKE %s", ("a%",))
    _often(connection, "SELECT count(*) FROM kept WHERE label <> 'likeness' AND n = %s", (1,))
    assert [statement for statement in _prepared(connection) if "ILIKE" in statement] == []
    assert len(_prepared(connection)) == 1


# -- BEGIN and COMMIT travel along ---------------------------------------------------------------------------------------


def _scalar(connection: Connection, statement: str, values: Any = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return (cursor.fetchone() or (None,))[0] if cursor.description else None


def test_a_transaction_begins_with_its_first_statement_and_sees_all_or_nothing(connection: Connection) -> None:
    for _ in range(OFTEN):
        assert connection.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
        assert _scalar(connection, "INSERT INTO kept (n) VALUES (%s) RETURNING n", (5,)) == 5
        assert connection.get_transaction_status() == extensions.TRANSACTION_STATUS_INTRANS
        assert _scalar(connection, "SELECT count(*) FROM kept") == 1
        connection.rollback()
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO kept (n) VALUES (%s)", [(1,), (2,)])
        assert cursor.rowcount == 2
        connection.rollback()
        cursor.execute("INSERT INTO kept (n) VALUES (3)")
        connection.commit()
        connection.rollback()
    assert _scalar(connection, "SELECT string_agg(n::text, ',') FROM kept") == "3"


@pytest.mark.parametrize("statement", [b"INSERT INTO kept (n) VALUES (7)", sql.SQL("INSERT INTO kept (n) VALUES (7)")])
def test_what_is_no_text_is_sent_in_a_transaction_all_the_same(connection: Connection, statement: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert connection.get_transaction_status() == extensions.TRANSACTION_STATUS_INTRANS
        connection.rollback()
    assert _scalar(connection, "SELECT count(*) FROM kept") == 0


def test_the_kind_of_transaction(connection: Connection) -> None:
    def kind() -> tuple[Any, Any]:
        settings = [_scalar(connection, f"SHOW transaction_{name}") for name in ("isolation", "read_only")]
        connection.rollback()
        return settings[0], settings[1]

    assert kind() == ("read committed", "off")
    connection.set_isolation_level(extensions.ISOLATION_LEVEL_REPEATABLE_READ)
    connection.readonly = True
    assert kind() == ("repeatable read", "on")
    with pytest.raises(errors.ReadOnlySqlTransaction):
        _scalar(connection, "CREATE TABLE never (n int)")
    connection.rollback()
    connection.set_isolation_level(extensions.ISOLATION_LEVEL_AUTOCOMMIT)
    connection.readonly = False
    _scalar(connection, "INSERT INTO kept (n) VALUES (1) RETURNING n")
    assert connection.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE


def test_commit_goes_with_the_statement_that_is_said_to_be_the_last(toy_owner_url: str) -> None:
    """Plainly and prepared; an error, at the statement or at its commit, leaves nothing behind."""
    made: Connection = psycopg2.connect(toy_owner_url, connection_factory=Connection)
    table = f"last_{uuid4().hex}"
    _scalar(made, f"CREATE TEMPORARY TABLE {table} (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    made.commit()
    for number in range(OFTEN):
        _scalar(made, f"INSERT INTO {table} VALUES (%s)", (100 + number,))
        made.ends_with_next = True
        _scalar(made, f"INSERT INTO {table} VALUES (%s)", (number,))
        assert made.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
        made.commit()
    for statement, refusal in (("VALUES (0)", errors.UniqueViolation), ("VALUES (1 / 0)", errors.DivisionByZero)):
        _scalar(made, f"INSERT INTO {table} VALUES (7000)")
        made.ends_with_next = True
        with pytest.raises(refusal):
            _scalar(made, f"INSERT INTO {table} {statement}")
        made.rollback()
    _scalar(made, f"INSERT INTO {table} VALUES (8000)")
    made.rollback()
    assert _scalar(made, f"SELECT count(*) FROM {table}") == 2 * OFTEN
    made.close()


def test_a_connection_that_is_gone_says_so(connection: Connection, toy_owner_url: str) -> None:
    _scalar(connection, "SELECT 1")
    with psycopg2.connect(toy_owner_url) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises(psycopg2.OperationalError):
        connection.commit()
    with pytest.raises(psycopg2.InterfaceError):
        connection.rollback()


def test_services_connect_with_it(toy: Harness) -> None:
    """What the machinery sends for the same command again and again is prepared in the end."""
    for number in range(OFTEN + 2):
        toy.call("create_thing", body={"name": f"thing {number}"}, key=f"k-{number}")
    with toy.engine.connect() as connection:
        found = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    assert any("idempotency" in statement for statement in found)
    assert any("INSERT INTO thing" in statement for statement in found)
    assert any("aggregate_sequence" in statement for statement in found)
