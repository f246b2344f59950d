"""What a tenant schema is made of, in a form that two schemas can be compared by."""

import hashlib

from django.db import connection

from evosense.core.schema import TenantRef, tenant_scope

# Inside the tenant's scope PostgreSQL leaves its schema's name out of constraints, but not out of
# indexes; there it is cut away.
_PARTS = """
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || ' null:' || (NOT a.attnotnull) || ' identity:' || a.attidentity::text
       || ' default:' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = %(schema)s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index ' || replace(pg_get_indexdef(i.indexrelid), quote_ident(%(schema)s) || '.', '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL
SELECT 'constraint ' || t.conrelid::regclass || ' ' || t.conname || ' '
       || pg_get_constraintdef(t.oid)
FROM pg_constraint t WHERE t.connamespace = %(schema)s::regnamespace
UNION ALL
SELECT 'migration ' || app || '.' || name FROM django_migrations
ORDER BY 1
"""


def describe(tenant: TenantRef) -> list[str]:
    """Return every column, index, constraint and migration of a tenant, one a line, sorted."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(_PARTS, {"schema": tenant.schema_name})
        return [row[0] for row in cursor.fetchall()]


def fingerprint(tenant: TenantRef) -> str:
    """Return a hash that is equal for equal schemas."""
    return hashlib.sha256("\n".join(describe(tenant)).encode()).hexdigest()
