"""What a tenant schema is made of, in a form that schemas can be compared by.

Read from the catalogue's own columns wherever it has them: the functions that print a definition
fill the backend's caches with every object of every schema they touch.
"""

import hashlib
from collections.abc import Iterator, Sequence

from django.db import connection

from evosense.core.schema import TenantRef, public_scope, tenant_scope

AT_ONCE = 50

# Names, never numbers: a dropped column leaves a gap in one schema and none in a newer one.
# Expressions are printed by PostgreSQL with the schema's name before what lies in it, because
# the statement runs with the shared path; there it is cut away.
_LINES = """
WITH spaces AS (
  SELECT oid, nspname, quote_ident(nspname) || '.' AS prefix
  FROM pg_namespace WHERE nspname = ANY(%(schemas)s)
), tables AS (
  SELECT s.nspname, s.prefix, c.oid, c.relname, c.relkind, c.reloptions
  FROM spaces s JOIN pg_class c ON c.relnamespace = s.oid
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT nspname, 'table ' || relname || ' ' || relkind::text || ' '
       || coalesce(array_to_string(reloptions, ','), '') AS line
FROM tables
UNION ALL
SELECT t.nspname, 'column ' || t.relname || '.' || a.attname || ' '
       || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' required' ELSE '' END
       || ' ' || a.attidentity::text || a.attgenerated::text || ' '
       || CASE WHEN a.atthasdef
            THEN replace(pg_get_expr(d.adbin, d.adrelid), t.prefix, '') ELSE '' END
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL
SELECT t.nspname, 'index ' || c.relname || ' ' || t.relname || ' ' || m.amname
       || CASE WHEN i.indisunique THEN ' unique' ELSE '' END
       || CASE WHEN i.indnullsnotdistinct THEN ' nulls equal' ELSE '' END
       || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
       || ' (' || i.columns || ') ' || i.indnkeyatts || ' ' || i.indoption::text || ' '
       || coalesce(array_to_string(c.reloptions, ','), '') || ' '
       || i.classes || ' '
       || CASE WHEN i.indexprs IS NULL THEN ''
            ELSE replace(pg_get_expr(i.indexprs, i.indrelid), t.prefix, '') END
       || CASE WHEN i.indpred IS NULL THEN ''
            ELSE ' where ' || replace(pg_get_expr(i.indpred, i.indrelid), t.prefix, '') END
FROM tables t
JOIN LATERAL (
  SELECT x.*,
    (SELECT string_agg(coalesce((SELECT a.attname FROM pg_attribute a
                                 WHERE a.attrelid = x.indrelid AND a.attnum = number), '*'), ',')
     FROM unnest(x.indkey::int2[]) number) AS columns,
    (SELECT string_agg((SELECT o.opcname FROM pg_opclass o WHERE o.oid = class), ',')
     FROM unnest(x.indclass::oid[]) class) AS classes
  FROM pg_index x WHERE x.indrelid = t.oid
) i ON true
JOIN pg_class c ON c.oid = i.indexrelid
-- Those of a search by meaning come and go with the number of rows (analytics/search/index.py).
JOIN pg_am m ON m.oid = c.relam AND m.amname <> 'hnsw'
UNION ALL
SELECT t.nspname, 'constraint ' || t.relname || ' ' || k.conname || ' ' || k.contype::text || ' ('
       || coalesce(k.columns, '') || ')'
       || CASE WHEN k.condeferrable THEN ' deferrable' ELSE '' END
       || CASE WHEN k.condeferred THEN ' deferred' ELSE '' END
       || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END
       || CASE WHEN k.contype <> 'f' THEN ''
            ELSE ' to ' || CASE WHEN r.relnamespace = k.connamespace THEN ''
                           ELSE r.relnamespace::regnamespace::text || '.' END
                 || r.relname || ' (' || k.targets || ') '
                 || k.confupdtype::text || k.confdeltype::text || k.confmatchtype::text END
       || CASE WHEN k.conbin IS NULL THEN ''
            ELSE ' ' || replace(pg_get_expr(k.conbin, k.conrelid), t.prefix, '') END
FROM tables t
JOIN LATERAL (
  SELECT x.*,
    (SELECT string_agg((SELECT a.attname FROM pg_attribute a
                        WHERE a.attrelid = x.conrelid AND a.attnum = number), ',')
     FROM unnest(x.conkey) number) AS columns,
    (SELECT string_agg((SELECT a.attname FROM pg_attribute a
                        WHERE a.attrelid = x.confrelid AND a.attnum = number), ',')
     FROM unnest(x.confkey) number) AS targets
  FROM pg_constraint x WHERE x.conrelid = t.oid AND x.contype <> 'n'
) k ON true
LEFT JOIN pg_class r ON r.oid = k.confrelid
UNION ALL
SELECT t.nspname, 'trigger ' || t.relname || ' ' || g.tgname || ' ' || g.tgenabled::text
FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
"""
_HASHES = f"""
SELECT nspname, md5(string_agg(line, chr(10) ORDER BY line COLLATE "C"))
FROM ({_LINES}) AS parts GROUP BY nspname
"""  # noqa: S608  a constant
_APPLIED = "SELECT 'migration ' || app || '.' || name FROM django_migrations"


def structures(schemas: Sequence[str]) -> dict[str, str]:
    """Return for each schema that holds a table a hash over tables, columns, indexes, constraints.

    Which migrations it has noted is left out: two ways may lead to the same structure.
    """
    found: dict[str, str] = {}
    with public_scope(), connection.cursor() as cursor:
        for batch in batches(schemas, AT_ONCE):
            cursor.execute(_HASHES, {"schemas": list(batch)})
            found |= dict(cursor.fetchall())
    return found


def structure_lines(schema: str) -> list[str]:
    """Return what `structures` takes its hash over, one object a line, sorted."""
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(_LINES, {"schemas": [schema]})
        return sorted(line for _schema, line in cursor.fetchall())


def describe(tenant: TenantRef) -> list[str]:
    """Return every table, column, index, constraint and migration of a tenant, sorted."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(_APPLIED)
        applied = [row[0] for row in cursor.fetchall()]
    return sorted([*structure_lines(tenant.schema_name), *applied])


def fingerprint(tenant: TenantRef) -> str:
    """Return a hash that is equal for equal schemas with equal migrations."""
    return hashlib.sha256("\n".join(describe(tenant)).encode()).hexdigest()


def batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a list into pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
