"""One database for each test worker, cloned from a template that the first of them builds."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction

from evosense.core.schema import TenantRef, public_scope
from tenancy.db.migrate import migrate_public
from tenancy.db.provision import provision
from tenancy.models import Domain, Tenant

PREFIX = "test_evosense"
# Any constant: who holds it may build or drop templates.
BUILDING = 7_305_001
FIRST_ID = 1_000_001
# Bytes from which on new files are quicker than removing rows.
LARGE = 1 << 20
ALPHA = TenantRef(
    id=UUID("0199a000-0000-7000-8000-000000000001"),
    schema_name="t_test1",
    slug="alpha",
    name="Alpha Ltda",
)
BETA = TenantRef(
    id=UUID("0199a000-0000-7000-8000-000000000002"),
    schema_name="t_test2",
    slug="beta",
    name="Beta Ltda",
)


def open_test_database(worker: str) -> str:
    """Give this worker a fresh database with both tenants and point Django at it."""
    name = f"{PREFIX}_{worker or 'main'}"
    with closing(_maintenance_connection()) as server:
        with _lock(server):
            template = _ensure_template(server)
        _clone(server, template, name)
    _use(name)
    return name


def close_test_database(name: str) -> None:
    connections.close_all()
    with closing(_maintenance_connection()) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _maintenance_connection() -> "psycopg.Connection[Any]":
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    for name in ("cursor_factory", "context", "pool", "prepare_threshold"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


@contextmanager
def _lock(server: "psycopg.Connection[Any]") -> Iterator[None]:
    server.execute("SELECT pg_advisory_lock(%s)", [BUILDING])
    try:
        yield
    finally:
        server.execute("SELECT pg_advisory_unlock(%s)", [BUILDING])


def _ensure_template(server: "psycopg.Connection[Any]") -> str:
    """Build the template unless one of this code exists; it gets its name when it is complete."""
    name = f"{PREFIX}_template_{_code_digest()}"
    known = _templates(server)
    if name in known:
        return name
    unfinished = f"{PREFIX}_template_unfinished"
    for stale in {*known, unfinished}:
        server.execute(f'DROP DATABASE IF EXISTS "{stale}" WITH (FORCE)')
    server.execute(f'CREATE DATABASE "{unfinished}"')
    _use(unfinished)
    _fill()
    connections.close_all()
    server.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def _templates(server: "psycopg.Connection[Any]") -> set[str]:
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}_template_%"]
    )
    return {row[0] for row in rows}


def _code_digest() -> str:
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256()
    code = [*root.glob("*/**/migrations/*.py"), *root.glob("tenancy/db/*.py"), Path(__file__)]
    for path in sorted(code):
        digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _clone(server: "psycopg.Connection[Any]", template: str, name: str) -> None:
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')


def _use(name: str) -> None:
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _fill() -> None:
    migrate_public()
    for ref in (ALPHA, BETA):
        make_tenant_row(ref)
        provision(ref.id)
    _start_high()


def _start_high() -> None:
    """Let ids be as long as those of a busy house: a page that writes 1.000.001 is found out."""
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(c.oid::regclass, %s) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'S' AND n.nspname IN ('public', %s, %s)",
            [FIRST_ID - 1, ALPHA.schema_name, BETA.schema_name],
        )


def make_tenant_row(ref: TenantRef) -> Tenant:
    """Store a tenant with a given identity, still without a schema."""
    with public_scope():
        tenant: Tenant = Tenant.objects.create(
            id=ref.id, schema_name=ref.schema_name, slug=ref.slug, name=ref.name
        )
        Domain.objects.create(tenant=tenant, domain=f"{ref.slug}.{settings.PUBLIC_HOST}")
    return tenant


def truncate_everything() -> None:
    """Empty every table of ours but what the template brought, and drop other tenants."""
    with public_scope(), connection.cursor() as cursor:
        _empty(cursor, _filled_tables(cursor))
        _drop_daily_partitions(cursor)
        cursor.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%%' AND nspname <> ALL(%s)",
            [[ALPHA.schema_name, BETA.schema_name]],
        )
        for (schema,) in cursor.fetchall():
            cursor.execute(f'DROP SCHEMA "{schema}" CASCADE')
        Domain.objects.exclude(tenant_id__in=[ALPHA.id, BETA.id], is_custom=False).delete()
        Tenant.objects.exclude(pk__in=[ALPHA.id, BETA.id]).delete()
        for ref in (ALPHA, BETA):
            _restore(ref)


def _restore(ref: TenantRef) -> None:
    """Make a tenant's row as it was at first: its plan, state and names are nobody's leftovers."""
    fresh = Tenant(
        id=ref.id, schema_name=ref.schema_name, slug=ref.slug, name=ref.name, state="ready"
    )
    columns = {field.attname for field in Tenant._meta.concrete_fields}  # noqa: SLF001
    kept = columns - {"id", "created_at", "updated_at"}
    Tenant.objects.filter(pk=ref.id).update(**{name: getattr(fresh, name) for name in kept})


def _filled_tables(cursor: Any) -> dict[str, int]:
    """Return the bytes of each table that has a page; most of hundreds never had a row."""
    cursor.execute(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(root.relname),"
        " sum(pg_relation_size(c.oid))::bigint"
        " FROM pg_class c"
        " JOIN pg_class root ON root.oid = coalesce(pg_partition_root(c.oid), c.oid)"
        " JOIN pg_namespace n ON n.oid = root.relnamespace"
        " WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0"
        " AND n.nspname IN ('public', %s, %s) AND root.relname <> ALL(%s) GROUP BY 1",
        [ALPHA.schema_name, BETA.schema_name, list(KEPT_TABLES)],
    )
    return dict(cursor.fetchall())


def _empty(cursor: Any, tables: dict[str, int]) -> None:
    """Empty tables. A process that outlives the test may be in some of them: deadlocks repeat."""
    for is_last in (False, False, True):
        try:
            with transaction.atomic():
                _remove_rows(cursor, tables)
        except OperationalError:
            if is_last:
                raise
        else:
            return


def _remove_rows(cursor: Any, tables: dict[str, int]) -> None:
    """Truncate what is large and delete elsewhere: new files for a few rows cost fifty times more.

    The locks are those of TRUNCATE, so that no row comes from a statement that is still running.
    """
    if large := [name for name, size in tables.items() if size > LARGE]:
        # The referring ones are empty or named too; none that is kept refers to these.
        cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    # All rows go, so that nothing is left for foreign keys to check or to follow.
    cursor.execute("SET LOCAL session_replication_role = replica")
    for schema in ("public", ALPHA.schema_name, BETA.schema_name):
        if names := [name for name in tables if name.startswith(f"{schema}.")]:
            removals = "; ".join(f"DELETE FROM {name}" for name in names)
            cursor.execute(f"LOCK TABLE {', '.join(names)}; {removals}")


def _drop_daily_partitions(cursor: Any) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace AND relname ~ '_p[0-9]{8}$'"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP TABLE public."{name}"')


KEPT_TABLES = frozenset(
    {
        "django_migrations",
        "django_content_type",
        "auth_permission",
        "tenancy_tenant",
        "tenancy_domain",
        "tenancy_schemascript",
    }
)
