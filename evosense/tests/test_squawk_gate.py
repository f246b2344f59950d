"""The gate `squawk` refuses migrations that a running house could not take."""

import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.test.utils import override_settings

from tools import squawk

HEAD = """
from django.contrib.postgres import operations as postgres
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "{after}")]
    atomic = {atomic}
    operations = [{operations}]
"""
INDEX = "models.Index(fields=['subtype'], name='messaging_message_subtype')"


@pytest.fixture
def rules_broken_by(django_db_setup, django_db_blocker, tmp_path):
    """Return a function: the rules that a migration with these operations breaks.

    Without a transaction around the test: some operations refuse to be even printed in one.
    """
    real = Path(settings.BASE_DIR, "messaging", "migrations")
    package = tmp_path / "squawk_case"
    package.mkdir()
    (package / "__init__.py").write_text(f"__path__ = [{str(real)!r}, {str(package)!r}]\n")
    (leaf,) = MigrationLoader(None).graph.leaf_nodes("messaging")
    rules = squawk.Rules.read(squawk.CONFIG.read_text())

    def broken(operations, *, atomic=True):
        text = HEAD.format(after=leaf[1], operations=operations, atomic=atomic)
        (package / "9999_case.py").write_text(text)
        modules = {"messaging": "squawk_case"}
        with django_db_blocker.unblock(), override_settings(MIGRATION_MODULES=modules):
            script = squawk.script_of("messaging.9999_case")
        assert script.statements
        return {each.rule for each in squawk.lint({"messaging.9999_case": script}, rules)}

    sys.path.insert(0, str(tmp_path))
    yield broken
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("squawk_case")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("operations", "rule"),
    [
        ("migrations.RunSQL('ALTER TABLE messaging_call ADD COLUMN x int NOT NULL')", "adding-req"),
        (
            "migrations.AddField('call', 'note', models.TextField(default=''))",
            "ban-drop-default",
        ),
        (f"migrations.AddIndex('message', {INDEX})", "require-concurrent-index-creation"),
        ("migrations.RemoveField('message', 'subtype')", "ban-drop-column"),
        ("migrations.RenameField('message', 'subtype', 'kind')", "renaming-column"),
        ("migrations.DeleteModel('Call')", "ban-drop-table"),
        (
            "migrations.AddConstraint('message', models.CheckConstraint("
            "condition=models.Q(id__gt=0), name='messaging_message_id'))",
            "constraint-missing-not-valid",
        ),
        ("migrations.AlterField('message', 'id', models.IntegerField())", "changing-column-type"),
    ],
)
def test_a_bad_migration_is_refused(rules_broken_by, operations, rule):
    assert any(each.startswith(rule) for each in rules_broken_by(operations))


@pytest.mark.parametrize(
    ("operations", "atomic"),
    [
        ("migrations.AddField('message', 'note', models.TextField(db_default=''))", True),
        ("migrations.AddField('message', 'note', models.TextField(null=True))", True),
        (f"postgres.AddIndexConcurrently('message', {INDEX})", False),
        (
            "migrations.AddIndex('call', models.Index(fields=['status'], name='messaging_call_s'))",
            True,
        ),
        (
            "postgres.AddConstraintNotValid('message', models.CheckConstraint("
            "condition=models.Q(id__gt=0), name='messaging_message_id'))",
            True,
        ),
    ],
)
def test_the_ways_that_docs_recommend_pass(rules_broken_by, operations, atomic):
    assert rules_broken_by(operations, atomic=atomic) == set()


def test_a_shared_migration_is_read_too(public):
    script = squawk.script_of("tenancy.0001_initial")
    assert any("tenancy_tenant" in statement for statement in script.statements)
    assert squawk.script_of("messaging.0001_initial").statements


def test_an_exception_needs_a_reason_and_covers_one_rule_of_one_migration():
    drop = squawk.Script(("ALTER TABLE messaging_message DROP COLUMN subtype;",))
    text = """
    pg_version = "16.0"
    big_tables = []
    [excluded]
    [[allowed]]
    migration = "messaging.0009_contract"
    rule = "ban-drop-column"
    reason = "{reason}"
    """
    rules = squawk.Rules.read(text.format(reason="Nothing reads it since the last release."))
    scripts = {"messaging.0009_contract": drop, "messaging.0010_more": drop}
    found = [each for each in squawk.lint(scripts, rules) if each.rule == "ban-drop-column"]
    assert [each.migration for each in found] == ["messaging.0010_more"]
    with pytest.raises(SystemExit, match="reason"):
        squawk.Rules.read(text.format(reason=" "))


def test_every_exception_is_about_a_migration_that_is_there(public):
    rules = squawk.Rules.read(squawk.CONFIG.read_text())
    assert {migration for migration, _rule in rules.allowed} <= squawk.names_on_disk()
