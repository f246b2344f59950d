"""The roles of the database and the wall of row-level security, as the application meets them."""

import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import errors, sql

from evosense.core.rowsecurity import POLICY
from evosense.core.schema import public_scope
from evosense.local.home import PROJECT
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.house import database_url, production_environment
from evosense.testing.roles import made_roles
from tenancy.db.roles import RoleNames, make_roles
from tenancy.models import Brand
from tenancy.services import audit

NAMES = RoleNames(*(f"probe_{kind}" for kind in ("owner", "app", "readonly", "backup")))


@pytest.fixture
def roles(committed):
    with made_roles(NAMES):
        yield NAMES


@contextmanager
def as_role(name, *, path="public"):
    with psycopg.connect(database_url(), autocommit=True) as link:
        link.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(name)))
        link.execute(sql.SQL("SET search_path = {}").format(sql.SQL(path)))
        yield link


def brands():
    with public_scope():
        Brand.objects.create(tenant_id=ALPHA.id, name="Alpha")
        Brand.objects.create(tenant_id=BETA.id, name="Beta")


def test_every_shared_table_with_a_tenant_is_behind_the_wall(public):
    """A new table without its policy fails here; `evosense.core.rowsecurity.protect` makes one."""
    wanted = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if apps.get_app_config(model._meta.app_label).name not in settings.TENANT_APPS
        and any(field.column == "tenant_id" for field in model._meta.local_concrete_fields)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " WHERE p.polname = %s AND c.relrowsecurity AND c.relforcerowsecurity"
            " AND c.relnamespace = 'public'::regnamespace",
            [POLICY],
        )
        behind = {row[0] for row in cursor.fetchall()}

    assert wanted - behind == set()


def test_a_tenant_sees_and_writes_only_its_own_rows(roles):
    brands()
    with as_role(NAMES.app, path=f"{ALPHA.schema_name}, public") as link:
        seen = [row[0] for row in link.execute("SELECT name FROM tenancy_brand")]
        changed = link.execute("UPDATE tenancy_brand SET name = 'taken'").rowcount
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute(
                "INSERT INTO tenancy_entitlement (tenant_id, name, updated_at)"
                " VALUES (%s, 'seats', now())",
                [BETA.id],
            )

    assert seen == ["Alpha"]
    assert changed == 1
    with public_scope():
        assert Brand.objects.get(tenant_id=BETA.id).name == "Beta"


def test_shared_code_sees_every_tenant(roles):
    brands()
    with as_role(NAMES.app) as link:
        assert link.execute("SELECT count(*) FROM tenancy_brand").fetchone() == (2,)


def test_a_path_to_a_schema_that_is_gone_shows_nothing(roles):
    brands()
    with as_role(NAMES.app, path="t_gone, public") as link:
        assert link.execute("SELECT count(*) FROM tenancy_brand").fetchone() == (0,)


def test_the_owner_is_behind_the_wall_too(roles):
    brands()
    with as_role(NAMES.owner, path=f"{BETA.schema_name}, public") as link:
        assert [row[0] for row in link.execute("SELECT name FROM tenancy_brand")] == ["Beta"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenancy_auditentry SET action = 'nothing.happened'",
        "DELETE FROM tenancy_auditentry",
        "TRUNCATE tenancy_auditentry",
        "ALTER TABLE tenancy_brand DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenancy_brand ADD COLUMN more text",
        f"DROP POLICY {POLICY} ON tenancy_brand",
        f"DROP SCHEMA {BETA.schema_name} CASCADE",
        "CREATE SCHEMA t_mine",
        "CREATE TABLE public.mine (id int)",
        "SET ROLE probe_owner",
        "ALTER ROLE probe_app BYPASSRLS",
        "COPY tenancy_brand TO PROGRAM 'id'",
    ],
)
def test_the_application_cannot(roles, statement):
    with as_role(NAMES.app) as link, pytest.raises(errors.InsufficientPrivilege):
        link.execute(statement)


def test_the_application_writes_the_audit(roles):
    with public_scope():
        audit.record("member.invited", tenant_id=ALPHA.id)
    with as_role(NAMES.app, path=f"{ALPHA.schema_name}, public") as link:
        link.execute(
            "INSERT INTO tenancy_auditentry (tenant_id, number, at, actor_kind, actor_id,"
            " actor_label, address, request_id, action, object_type, object_id, object_label,"
            " changes, previous_hash, hash) SELECT tenant_id, number + 1, at, actor_kind, actor_id,"
            " actor_label, address, request_id, action, object_type, object_id, object_label,"
            " changes, previous_hash, hash FROM tenancy_auditentry"
        )


def test_readers_read_and_nothing_else(roles):
    brands()
    with as_role(NAMES.readonly) as link:
        assert link.execute("SELECT count(*) FROM tenancy_brand").fetchone() == (2,)
        messages = sql.Identifier(ALPHA.schema_name, "messaging_message")
        counting = sql.SQL("SELECT count(*) FROM {}").format(messages)
        assert link.execute(counting).fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute("DELETE FROM tenancy_brand")


def test_no_partition_shows_what_its_table_hides(roles):
    event = make_raw_event(tenant_id=BETA.id)
    with as_role(NAMES.app, path=f"{ALPHA.schema_name}, public") as link:
        for table in ("webhook_events", event):
            counting = sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(table))
            assert link.execute(counting).fetchone() == (0,)
    with as_role(NAMES.app) as link:
        assert link.execute("SELECT count(*) FROM webhook_events").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM django_session",
        "SELECT * FROM mfa_authenticator",
        "SELECT password FROM tenancy_user",
        "SELECT token_hash FROM tenancy_webhookroute",
    ],
)
def test_reports_see_nothing_that_opens_an_account(roles, statement):
    with as_role(NAMES.readonly) as link:
        link.execute("SELECT id, email, name FROM tenancy_user")
        with pytest.raises(errors.InsufficientPrivilege):
            link.execute(statement)


def make_raw_event(*, tenant_id):
    """Store one raw event; return the name of the partition that holds it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhook_events (received_at, tenant_id, connection_id, dedupe_key, body,"
            " next_attempt_at) VALUES (now(), %s, %s, '', '{}', now())"
            " RETURNING tableoid::regclass",
            [tenant_id, tenant_id],
        )
        return cursor.fetchone()[0]


def test_the_owner_owns_every_table(roles):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text FROM pg_class c"
            " WHERE (c.relnamespace = 'public'::regnamespace OR c.relnamespace = %s::regnamespace)"
            " AND c.relkind IN ('r', 'p', 'S') AND pg_get_userbyid(c.relowner) <> %s",
            [ALPHA.schema_name, NAMES.owner],
        )
        assert cursor.fetchall() == []


def test_a_schema_that_the_owner_makes_later_is_usable(roles):
    with as_role(NAMES.owner) as link:
        link.execute("CREATE SCHEMA t_later")
        link.execute("CREATE TABLE t_later.thing (id bigint GENERATED BY DEFAULT AS IDENTITY)")
    with as_role(NAMES.app, path="t_later, public") as link:
        link.execute("INSERT INTO thing DEFAULT VALUES")
        assert link.execute("SELECT count(*) FROM thing").fetchone() == (1,)
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA t_later CASCADE")


def test_making_the_roles_again_changes_nothing(roles):
    assert set(make_roles(NAMES, {}).values()) == {"kept"}


def test_production_refuses_to_work_as_a_superuser():
    script = "import django; django.setup(); from django.db import connection as c; c.cursor()"

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False,
        env=production_environment(database_url()), timeout=60,
    )  # fmt: skip

    assert done.returncode != 0
    assert "The database role is SUPERUSER" in done.stderr


def test_a_short_password_is_refused(public, monkeypatch):
    monkeypatch.setenv("APP_PASSWORD", "short")

    with pytest.raises(CommandError, match="APP_PASSWORD"):
        call_command("database_roles", app_password_env="APP_PASSWORD")
