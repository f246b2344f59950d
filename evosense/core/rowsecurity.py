"""Row-level security on shared tables: a second wall behind the schemas.

Code inside a tenant's schema sees, of every shared table with a tenant column, only the rows of
its tenant. The policy asks the search path itself, which is the house's one truth about the tenant
and survives a pooler; no second setting could disagree with it. Shared code runs with the plain
public path and sees everything: that is what `public_scope` says aloud.

A path whose first schema is gone shows nothing: `current_schema()` would then be `public`, so the
open branch compares the whole path instead.

Superusers bypass this whatever is written here. The house must not connect as one: check core.W002.
"""

from django.db import migrations

_PUBLIC_PATHS = """('public', '"$user", public')"""
POLICY = "rows_of_the_tenant"


def condition(column: str) -> str:
    """Return what decides whether a row is visible and may be written."""
    own = "SELECT own.id FROM public.tenancy_tenant own WHERE own.schema_name = current_schema()"
    return f"current_setting('search_path') IN {_PUBLIC_PATHS} OR {column} = ({own})"


def protect(table: str, column: str = "tenant_id") -> list[migrations.RunSQL]:
    """Return the operations that put a shared table behind the wall, for its owner too."""
    return [
        migrations.RunSQL(
            f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE public.{table} DISABLE ROW LEVEL SECURITY",
        ),
        migrations.RunSQL(
            f"ALTER TABLE public.{table} FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE public.{table} NO FORCE ROW LEVEL SECURITY",
        ),
        migrations.RunSQL(
            f"CREATE POLICY {POLICY} ON public.{table} USING ({condition(column)})",
            f"DROP POLICY {POLICY} ON public.{table}",
        ),
    ]
