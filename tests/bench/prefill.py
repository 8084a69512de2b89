"""A long past in seconds: real rows, written by real flows, are copied in bulk in all service databases alike.

`mark` notes what is there. Everything that is written afterwards is the template; `multiply` copies it again and again.
Every identifier that was born in the template becomes another one, the same in all tables and databases, so documents,
events, inboxes and journals of a copy belong together; numbers get a suffix; times move into the past. What existed
before (customers, products, accounts) is shared. Balances and stock levels stay as they are, and triggers do not run
for copies: this past is there to be in the way of queries, not to be audited.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import sql

_TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
AND NOT c.relispartition AND EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
ORDER BY 1
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, NULL), attidentity <> '' OR attgenerated <> '' FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_UNIQUE = """
SELECT i.indisprimary, array_agg(a.attname ORDER BY k.place) FROM pg_index i
CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = %s::regclass AND i.indisunique GROUP BY i.indexrelid, i.indisprimary
"""
# A version 7 id of its own for each copy: the copy's number in place of the milliseconds, so that keys stay sorted.
_COPY_ID = """
CREATE OR REPLACE FUNCTION bench.copied(id uuid, copy bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (lpad(to_hex(1600000000000 + copy), 12, '0') || '7' || substr(md5(id::text || copy), 1, 19))::uuid $$
"""
_FIRST_NUMBER = 1_000_000_000
"""Copied integer numbers begin here, far above those that the services will give."""


@dataclass
class Table:
    """What is known of a table: columns with types, what makes its rows unique, and which of it must differ."""

    name: str
    types: dict[str, str]
    key: list[str]
    unique: list[list[str]]
    born: set[str] = field(default_factory=set)

    @property
    def numbered(self) -> set[str]:
        """Columns that must change for a copy to be unique: the last one of each unique index without a born id."""
        return {index[-1] for index in self.unique if not self.born & set(index) and set(index) <= set(self.types)}


class Past:
    """The template of one kind of documents, in the databases given by superuser URLs."""

    def __init__(self, urls: Iterable[str], vary: tuple[str, ...] = ()) -> None:
        self.urls, self.vary = list(urls), vary
        self.tables: dict[str, list[Table]] = {}
        self.copies = 0

    def mark(self) -> None:
        """Remember which rows there are now."""
        for url in self.urls:
            with psycopg2.connect(url) as connection, connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench")
                cursor.execute(_COPY_ID)
                self.tables[url] = [_table(cursor, name) for name in _rows(cursor, _TABLES)]
                for table in self.tables[url]:
                    _run(cursor, "CREATE TABLE bench.{} AS SELECT {} FROM public.{}",
                         f"before_{table.name}", table.key, table.name)  # fmt: skip

    def take(self) -> None:
        """Everything that was written since `mark` becomes the template."""
        old: set[str] = set()
        new: set[str] = set()
        for url in self.urls:
            with psycopg2.connect(url) as connection, connection.cursor() as cursor:
                for table in self.tables[url]:
                    self._take(cursor, table)
                    old |= _ids(cursor, f"before_{table.name}", [c for c in table.key if table.types.get(c) == "uuid"])
                    new |= _ids(cursor, table.name, [c for c in _uuids(table) if c in _identifying(table)])
        for url in self.urls:
            self._mark_born(url, new - old)

    def multiply(self, copies: int) -> None:
        """Make so many more copies of the template."""
        first, self.copies = self.copies + 1, self.copies + copies
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda url: self._multiply(url, first, self.copies), self.urls))

    @staticmethod
    def _take(cursor: Any, table: Table) -> None:
        _run(cursor, "CREATE TABLE bench.{} AS SELECT * FROM public.{} t WHERE NOT EXISTS"
             " (SELECT 1 FROM bench.{} b WHERE ({}) = ({}))", table.name, table.name, f"before_{table.name}",
             [("t", c) for c in table.key], [("b", c) for c in table.key])  # fmt: skip

    def _mark_born(self, url: str, born: set[str]) -> None:
        """Note beside each id of the template whether it was born there; rows without any are not copied."""
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench.born_ids (id uuid PRIMARY KEY)")
            cursor.execute("INSERT INTO bench.born_ids SELECT unnest(%s::uuid[])", (list(born),))
            for table in self.tables[url]:
                for column in _uuids(table):
                    flag = f"born_{column}"
                    _run(cursor, "ALTER TABLE bench.{} ADD {} boolean NOT NULL DEFAULT false", table.name, flag)
                    _run(cursor, "UPDATE bench.{} SET {} = true WHERE {} IN (SELECT id FROM bench.born_ids)",
                         table.name, flag, column)  # fmt: skip
                    if cursor.rowcount:
                        table.born.add(column)

    def _multiply(self, url: str, first: int, last: int) -> None:
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '64MB'"
            )
            for table in self.tables[url]:
                if table.born:
                    cursor.execute(self._copy_statement(table, first, last))
        connection = psycopg2.connect(url)
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
        connection.close()

    def _copy_statement(self, table: Table, first: int, last: int) -> sql.Composed:
        columns = list(table.types)
        return sql.SQL(
            "INSERT INTO public.{} ({}) SELECT {} FROM generate_series({}, {}) AS copy, bench.{} t WHERE {}"
        ).format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(self._value(table, column) for column in columns),
            sql.Literal(first),
            sql.Literal(last),
            sql.Identifier(table.name),
            sql.SQL(" OR ").join(sql.Identifier(f"born_{column}") for column in sorted(table.born)),
        )

    def _value(self, table: Table, column: str) -> sql.Composed:
        kind, name = table.types[column], sql.Identifier(column)
        if column in table.born:
            flag = sql.Identifier(f"born_{column}")
            return sql.SQL("CASE WHEN {} THEN bench.copied({}, copy) ELSE {} END").format(flag, name, name)
        if kind == "timestamp with time zone":
            return sql.SQL("{} - copy * interval '0.5 s'").format(name)
        if column in table.numbered and kind == "text":
            return sql.SQL("{} || '-' || copy").format(name)
        if column in table.numbered and kind in ("bigint", "integer"):
            return sql.SQL("{} + {} + copy * 1000000").format(name, sql.Literal(_FIRST_NUMBER))
        if column in self.vary:
            return sql.SQL("{} || ' ' || copy").format(name)
        return sql.SQL("{}").format(name)


def _table(cursor: Any, name: str) -> Table:
    cursor.execute(_COLUMNS, (name,))
    types = {column: kind for column, kind, generated in cursor.fetchall() if not generated}
    cursor.execute(_UNIQUE, (name,))
    indexes = cursor.fetchall()
    key = next(list(columns) for primary, columns in indexes if primary)
    return Table(name, types, key, [list(columns) for _, columns in indexes])


def _uuids(table: Table) -> list[str]:
    return [column for column, kind in table.types.items() if kind == "uuid"]


def _identifying(table: Table) -> set[str]:
    """Columns whose ids are born with the row: those of its keys, and an event's own id."""
    return {column for index in table.unique for column in index} | {"event_id"}


def _ids(cursor: Any, table: str, columns: list[str]) -> set[str]:
    found: set[str] = set()
    for column in columns:
        _run(cursor, "SELECT DISTINCT {}::text FROM bench.{}", column, table)
        found |= {value for (value,) in cursor if value}
    return found


def _rows(cursor: Any, statement: str) -> list[str]:
    cursor.execute(statement)
    return [row[0] for row in cursor.fetchall()]


def _run(cursor: Any, statement: str, *names: Any) -> None:
    """Execute with quoted names; a list of names, or of (table, name), becomes a list separated by commas."""
    cursor.execute(sql.SQL(statement).format(*map(_quoted, names)))


def _quoted(name: Any) -> sql.Composable:
    if isinstance(name, list):
        return sql.SQL(", ").join(map(_quoted, name))
    return sql.Identifier(*name) if isinstance(name, tuple) else sql.Identifier(name)
