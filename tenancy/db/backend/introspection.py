"""Table listing that costs the same however many tenants exist."""

from typing import Any

from django.db.backends.postgresql.introspection import TableInfo
from django_tenants.postgresql_backend.introspection import DatabaseSchemaIntrospection

# Through the dependency index of one namespace. The stock query filters with
# pg_table_is_visible() over every table of every tenant: 27 to 89 ms a call at 300 to 1,006
# tenants, four calls a migration, which makes fleet migrations quadratic.
_TABLES = """
SELECT c.relname,
       CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END,
       obj_description(c.oid, 'pg_class')
FROM pg_namespace n
JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
 AND d.classid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.objid
WHERE n.nspname = %s AND c.relkind IN ('f', 'm', 'p', 'r', 'v')
"""


class FastIntrospection(DatabaseSchemaIntrospection):
    """Lists the tables of the active schema only."""

    def get_table_list(self, cursor: Any) -> list[TableInfo]:
        cursor.execute(_TABLES, [self.connection.schema_name])
        return [
            TableInfo(name, kind, comment)
            for name, kind, comment in cursor.fetchall()
            if name not in self.ignored_tables
        ]
