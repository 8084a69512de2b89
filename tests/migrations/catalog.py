"""What PostgreSQL's catalogue says of a schema, one sentence per thing, for comparing two of them."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

_OURS = "relnamespace = CAST(:schema AS regnamespace) AND NOT relispartition AND relname NOT LIKE '%\\_version'"

_TABLES = f"""
    SELECT relname, relkind, relpersistence, coalesce(pg_get_partkeydef(oid), '')
    FROM pg_class WHERE {_OURS} AND relkind IN ('r', 'p', 'v', 'm')
"""
_STORAGE = f"""
    SELECT relname, coalesce(array_to_string(reloptions, ', '), '') FROM pg_class WHERE {_OURS} AND relkind IN ('r', 'p')
    UNION ALL SELECT relname || '.' || attname, attstorage::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE {_OURS} AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
"""
_COLUMNS = f"""
    SELECT relname, attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' ELSE '' END,
        coalesce(pg_get_expr(adbin, adrelid), ''), attidentity, attgenerated, attcollation::regcollation::text
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE {_OURS} AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped
"""
_CONSTRAINTS = f"""
    SELECT relname, conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
    WHERE {_OURS} AND contype IN ('c', 'f', 'p', 'u', 'x')
"""
_INDEXES = f"""
    SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid
    WHERE {_OURS} AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
"""
_SEQUENCES = f"""
    SELECT relname, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid WHERE {_OURS}
"""
TRIGGERS = f"""
    SELECT tgname, pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE {_OURS} AND NOT tgisinternal
"""
_FUNCTIONS = """
    SELECT pg_get_functiondef(oid) FROM pg_proc p WHERE pronamespace = CAST(:schema AS regnamespace)
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_EXTENSIONS = "SELECT extname, extversion FROM pg_extension"
_RIGHTS = f"""
    SELECT relname, a::text FROM pg_class, unnest(relacl) a WHERE {_OURS}
    UNION ALL SELECT relname || '.' || attname, a::text FROM pg_class c JOIN pg_attribute ON attrelid = c.oid,
        unnest(attacl) a WHERE {_OURS}
    UNION ALL SELECT proname, a::text FROM pg_proc, unnest(proacl) a WHERE pronamespace = CAST(:schema AS regnamespace)
    UNION ALL SELECT 'default of ' || defaclobjtype::text, a::text FROM pg_default_acl, unnest(defaclacl) a
"""

MODELLED = {
    "table": _TABLES, "column": _COLUMNS, "constraint": _CONSTRAINTS, "index": _INDEXES, "sequence": _SEQUENCES,
}  # fmt: skip
WHOLE = MODELLED | {
    "storage": _STORAGE,
    "trigger": TRIGGERS,
    "function": _FUNCTIONS,
    "extension": _EXTENSIONS,
    "right": _RIGHTS,
}


def describe(connection: Connection, queries: dict[str, str], schema: str = "public") -> set[str]:
    """A sentence for everything in a schema. Partitions come and go with the months, and are left out."""
    return {line for kind, query in queries.items() for line in _sentences(connection, kind, query, schema)}


def _sentences(connection: Connection, kind: str, query: str, schema: str) -> Iterator[str]:
    for row in connection.execute(text(query), {"schema": schema} if ":schema" in query else {}):
        words = " ".join(str(word) for word in row if word != "")
        yield " ".join(f"{kind} {words}".replace(f"{schema}.", "").split())
