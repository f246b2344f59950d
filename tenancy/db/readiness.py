"""Whether the tenant schemas keep the rules of Citus, so that they can be moved between nodes."""

from django.db import connection

from evosense.core.schema import public_scope

_TENANT_SCHEMAS = r"t\_%"
_RULES = {
    "foreign key leaves its schema": """
        SELECT k.conrelid::regclass || ' ' || k.conname FROM pg_constraint k
        JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
        JOIN pg_namespace n ON n.oid IN (a.relnamespace, b.relnamespace)
        WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace AND n.nspname LIKE %s""",
    "table inherits": """
        SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND NOT c.relispartition AND n.nspname LIKE %s""",
    "partition lies outside the schema of its table": """
        SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        JOIN pg_namespace n ON n.oid IN (c.relnamespace, p.relnamespace)
        WHERE c.relispartition AND c.relnamespace <> p.relnamespace AND n.nspname LIKE %s""",
    "table is typed or foreign": """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE (c.reloftype <> 0 OR c.relkind = 'f') AND n.nspname LIKE %s""",
    "identity is not bigint": """
        SELECT c.oid::regclass || '.' || a.attname FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype AND n.nspname LIKE %s""",
    "table has no primary key": """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname LIKE %s
          AND NOT EXISTS (
            SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')""",
    "table has a trigger": """
        SELECT c.oid::regclass || ' ' || t.tgname FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND n.nspname LIKE %s""",
}


def problems() -> list[str]:
    """Return one line for each object of a tenant schema that would keep it from being moved."""
    found = []
    with public_scope(), connection.cursor() as cursor:
        for rule, query in _RULES.items():
            cursor.execute(query, [_TENANT_SCHEMAS])
            found += [f"{rule}: {row[0]}" for row in cursor.fetchall()]
    return found
