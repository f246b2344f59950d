"""The measured hazards of docs/architecture.md, each held down by a test.

Here are the rules over code and settings. Behaviour is tested where it lives: threads, ASGI, pools,
cache keys and healed paths in test_backend, tasks in tenancy/tests/test_tasks, fairness in
tenancy/tests/test_fair, schemas in tenancy/tests/test_provision.
"""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.db import connection, models
from django.test.utils import isolate_apps

from evosense.tests.test_architecture import tracked
from tenancy.checks import check_app_lists, check_engine, check_no_relation_to_shared
from tenancy.models import Tenant

ROOT = Path(settings.BASE_DIR)


def production_files():
    return [
        path
        for path in tracked("*.py")
        if not {"tests", "migrations", "benchmarks", "testing"} & set(path.parts)
    ]


def lines_with(pattern, *, allowed=()):
    found = []
    for path in production_files():
        name = str(path.relative_to(ROOT))
        if not name.startswith(tuple(allowed)):
            text = path.read_text()
            found += [f"{name}: {match[0]}" for match in re.finditer(pattern, text)]
    return found


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        # Publishes at once, with the tenant of whoever runs it: use enqueue.
        (r"\.delay\(", ["x"]),
        (r"delay_on_commit", ["x"]),
        # Runs with the tenant of the commit: use after_commit.
        (r"\bon_commit\(", ["evosense/core/schema.py"]),
        # Publishes before the commit: only where a publisher is meant.
        (
            r"\.apply_async\(",
            [
                "evosense/core/outbox.py",
                "tenancy/db/tasks.py",
                "tenancy/db/tickets.py",
                "tenancy/services/rings.py",
                "tenancy/tasks.py",
            ],
        ),
        # The doors of the stock package lead to a tenant on the connection.
        (r"\bset_(tenant|schema|schema_to_public)\(", ["tenancy/db/backend/"]),
        (r"\b(tenant|schema)_context\(", ["x"]),
        (r"tenant_schemas_celery", ["x"]),
        # Clones lose the dimensions of vectors.
        (r"clone_schema|TENANT_BASE_SCHEMA", ["x"]),
        # Deletes the key of the other tenants' caches too.
        (r"\bcache\.clear\(", ["x"]),
    ],
)
def test_no_code_goes_through_a_dangerous_door(pattern, allowed):
    assert lines_with(pattern, allowed=allowed) == []


def test_signals_and_triggers_are_not_how_apps_talk():
    assert lines_with(r"\bpost_save\b|\bpre_save\b|CREATE TRIGGER") == []


def test_tests_that_commit_use_our_fixture():
    """Django's flush truncates what two schemas share and fails."""
    guilty = [
        path.name
        for path in tracked("*.py")
        if "tests" in path.parts
        and re.search(r"django_db\([^)]*transaction=True|\btransactional_db\b", path.read_text())
        and path.name != "test_hazards.py"
    ]
    assert guilty == []


def test_async_code_touches_neither_database_cache_nor_queue():
    """On an event loop a connection belongs to nobody, and a slow call stops everybody."""
    banned = {"django.db", "django.core.cache", "evosense.core.outbox"}
    guilty = []
    for path in production_files():
        text = path.read_text()
        # Few have any; reading the others as Python takes a quarter of a minute.
        tree = ast.parse(text if re.search(r"\basync\s+def\b", text) else "")
        if any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree)):
            modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            names = {
                alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom | ast.Import)
                for alias in node.names
            }
            if banned & modules or names & {"enqueue", "emit", "database_cursor"}:
                guilty.append(str(path.relative_to(ROOT)))
    assert guilty == []


def test_settings_keep_the_rules():
    assert not any(config.get("ATOMIC_REQUESTS") for config in settings.DATABASES.values())
    assert not hasattr(settings, "PG_EXTRA_SEARCH_PATHS"), "it queries the database at start"
    assert settings.CACHES["default"]["KEY_FUNCTION"] == "evosense.core.cache.tenant_key"
    assert {"django_cotton.apps.SimpleAppConfig", "template_partials.apps.SimpleAppConfig"} <= set(
        settings.INSTALLED_APPS
    ), "the default ones overwrite the template loaders"
    order = [app for app in settings.INSTALLED_APPS if app in {"tenancy", "django_tenants"}]
    assert order == ["tenancy", "django_tenants"], "or `migrate` walks through every schema"
    assert settings.SESSION_COOKIE_DOMAIN is None, "a cookie of one tenant's host stays there"


def test_production_connections_are_pooled_short_lived_and_reset():
    text = (ROOT / "evosense/settings/base.py").read_text()
    for needed in ('"reset": reset_search_path', '"max_lifetime": 600', '["CONN_MAX_AGE"] = 0'):
        assert needed in text


def test_saving_a_tenant_never_migrates():
    assert (Tenant.auto_create_schema, Tenant.auto_drop_schema) == (False, False)


# --- system checks -------------------------------------------------------------------------------


def test_our_own_checks_pass(db):
    assert run_checks(tags=["tenancy"]) == []


def test_an_app_in_both_lists_is_an_error(settings):
    settings.TENANT_APPS = [*settings.TENANT_APPS, "tenancy"]
    assert [error.id for error in check_app_lists(None)] == ["tenancy.E002"]


def test_another_engine_is_an_error(monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert [error.id for error in check_engine(None)] == ["tenancy.E001"]


@pytest.mark.parametrize("kind", [models.ForeignKey, models.OneToOneField, models.ManyToManyField])
@isolate_apps()
def test_a_relation_from_a_tenant_app_to_a_shared_one_is_an_error(kind, monkeypatch):
    class Guilty(models.Model):  # noqa: DJ008
        options = {} if kind is models.ManyToManyField else {"on_delete": models.CASCADE}
        owner = kind(Tenant, related_name="+", **options)

        class Meta:
            app_label = "messaging"

    config = apps.get_app_config("messaging")
    monkeypatch.setattr(config, "get_models", lambda **_options: [Guilty])
    errors = check_no_relation_to_shared(None)
    assert [error.id for error in errors] == ["tenancy.E003"]
    assert "owner" in errors[0].msg


def test_a_server_that_hides_its_path_is_an_error(db, monkeypatch):
    assert not [
        e for e in run_checks(tags=[Tags.database], databases=["default"]) if "E004" in e.id
    ]

    class Silent:
        def __getattr__(self, name):
            return getattr(connection.connection, name)

        class info:  # noqa: N801
            @staticmethod
            def parameter_status(_name):
                return None

    from tenancy import checks

    class Cursor:
        connection = Silent()

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            return None

    monkeypatch.setattr(checks, "connections", {"default": type("C", (), {"cursor": Cursor})})
    assert [e.id for e in checks.check_reported_path(None, databases=["default"])] == [
        "tenancy.E004"
    ]
