"""The four roles of the database, so that a hole in a page is not a hole in the database.

owner     owns every table; migrates, makes and drops schemas (services migrate and worker)
app       reads and writes rows; cannot alter a table, bypass row security or touch the audit's past
readonly  reads; for reports and consoles
backup    reads everything, row security included, and may stream WAL

Roles are the server's, not a schema's, so migrations cannot make them: `manage.py database_roles`
does, as a superuser, once and again after an upgrade.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from evosense.core.schema import public_scope

_FLAGS = {
    "owner": "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
    "app": "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT",
    "readonly": "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
    "backup": "LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE REPLICATION",
}
# What nobody may rewrite, not even a page with a hole in it.
APPEND_ONLY = ("tenancy_auditentry",)
# What reports never need: a session's key, a second factor or a password's hash opens an account.
WITHHELD = (
    "django_session",
    "usersessions_usersession",
    "mfa_authenticator",
    "account_emailconfirmation",
    "tenancy_apikey",
    "tenancy_schemascript",
    "tenancy_signup",
    "tenancy_user",
    "tenancy_webhookroute",
)


@dataclass(frozen=True, slots=True)
class RoleNames:
    """What the four are called on this server."""

    owner: str = "evosense_owner"
    app: str = "evosense_app"
    readonly: str = "evosense_readonly"
    backup: str = "evosense_backup"

    def items(self) -> Iterable[tuple[str, str]]:
        return [(kind, getattr(self, kind)) for kind in _FLAGS]


def make_roles(names: RoleNames, passwords: Mapping[str, str]) -> dict[str, str]:
    """Create or repair the roles and hand the tables over; returns name → created or kept.

    `passwords` maps a kind to its password; a role without one keeps what it has. Safe to repeat;
    needs a superuser. One transaction: a server never has half of it.
    """
    with public_scope(), transaction.atomic():
        made = {name: _make(name, _FLAGS[kind]) for kind, name in names.items()}
        for kind, password in passwords.items():
            _run("ALTER ROLE {} PASSWORD {}", getattr(names, kind), literal=password)
        # Not trusted, so only a superuser may; the migration that needs it finds it there.
        _run("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        _hand_over(names)
        _grant(names)
    return made


def seal_history() -> None:
    """Take the right to rewrite the audit from everybody but the tables' owner; safe to repeat.

    `setup` calls it after each migration: what the owner makes later comes with all rights.
    """
    for table in APPEND_ONLY:
        for grantee in _rows(
            """
            SELECT DISTINCT g.grantee FROM information_schema.role_table_grants g
            JOIN pg_class c ON c.oid = to_regclass('public.' || g.table_name)
            WHERE g.table_schema = 'public' AND g.table_name = %s
              AND g.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
              AND g.grantee <> pg_get_userbyid(c.relowner)
            """,
            table,
        ):
            _run("REVOKE UPDATE, DELETE, TRUNCATE ON public.{} FROM {}", table, grantee)


def _make(name: str, flags: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        known = cursor.fetchone()
    _run(("ALTER" if known else "CREATE") + " ROLE {} " + flags, name)
    return "kept" if known else "created"


def _hand_over(names: RoleNames) -> None:
    """Make `owner` own the database's schemas and what is in them; what extensions own stays."""
    _run("ALTER DATABASE {} OWNER TO {}", _database(), names.owner)
    for schema in _our_schemas():
        _run("ALTER SCHEMA {} OWNER TO {}", schema, names.owner)
    for statement in _rows(
        """
        SELECT format('ALTER %%s %%s OWNER TO %%I',
                      CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                      c.oid::regclass, %s::text)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'S') AND n.nspname = ANY(%s)
          AND pg_get_userbyid(c.relowner) <> %s
          -- A column's sequence follows its table; what an extension brought stays its own.
          AND NOT EXISTS (
              SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
              AND (d.deptype = 'e' OR (c.relkind = 'S' AND d.deptype IN ('a', 'i'))))
        UNION ALL
        SELECT format('ALTER FUNCTION %%s OWNER TO %%I', p.oid::regprocedure, %s::text)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY(%s) AND pg_get_userbyid(p.proowner) <> %s
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid AND d.deptype = 'e')
        """,
        *(names.owner, _our_schemas(), names.owner) * 2,
    ):
        _run(statement.replace("{", "{{").replace("}", "}}"))


def _grant(names: RoleNames) -> None:
    """Give the others their rights, on what is there and on what `owner` will make."""
    _run("GRANT CONNECT ON DATABASE {} TO {}, {}, {}", _database(), *_others(names))
    for schema in _our_schemas():
        _grant_schema(names, schema)
    _run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT USAGE ON SCHEMAS TO {}, {}, {}",
        names.owner,
        *_others(names),
    )
    _run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON TABLES TO {}, {}",
        names.owner,
        names.readonly,
        names.backup,
    )
    _run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
        names.owner, names.app,
    )  # fmt: skip
    _run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT USAGE, SELECT ON SEQUENCES TO {}",
        names.owner,
        names.app,
    )
    _run(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON SEQUENCES TO {}, {}",
        names.owner,
        names.readonly,
        names.backup,
    )
    seal_history()
    _withhold(names.readonly)


def _withhold(reader: str) -> None:
    """Take from the reader of reports what opens accounts; of people it keeps name and address."""
    for table in _rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relname = ANY(%s)",
        list(WITHHELD),
    ):
        _run("REVOKE SELECT ON public.{} FROM {}", table, reader)
        if table == "tenancy_user":
            _run("GRANT SELECT (id, email, name, is_active) ON public.{} TO {}", table, reader)


def _grant_schema(names: RoleNames, schema: str) -> None:
    _run("GRANT USAGE ON SCHEMA {} TO {}, {}, {}", schema, *_others(names))
    _run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}", schema, names.app)
    _run("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}", schema, names.app)
    for reader in (names.readonly, names.backup):
        _run("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}", schema, reader)
        _run("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}", schema, reader)


def _others(names: RoleNames) -> tuple[str, str, str]:
    return names.app, names.readonly, names.backup


def _our_schemas() -> list[str]:
    return _rows(
        r"SELECT nspname FROM pg_namespace WHERE nspname = 'public' OR nspname LIKE 't\_%%'"
        " ORDER BY nspname"
    )


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def _rows(statement: str, *values: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return [str(row[0]) for row in cursor.fetchall()]


def _run(statement: str, *identifiers: str, literal: str | None = None) -> None:
    """Run one statement with names in the place of its braces, a literal in the last one."""
    parts: list[sql.Composable] = [sql.Identifier(name) for name in identifiers]
    if literal is not None:
        parts.append(sql.Literal(literal))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*parts).as_string(cursor.connection))
