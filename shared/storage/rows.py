"""Many rows in one statement. They travel as one JSON parameter.

COPY would be the obvious way, but psycopg2 refuses it on connections that eventlet made cooperative, and a service must
stay responsive while it loads. PostgreSQL reads the JSON in its own process, at some ten microseconds a row.
"""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session


def insert(session: Session, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows that name every column of a table."""
    if rows:
        statement = f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, %s::json)"
        session.connection().exec_driver_sql(statement, (dumps(rows),))


def dumps(value: Any) -> str:
    """JSON text of rows for PostgreSQL."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
