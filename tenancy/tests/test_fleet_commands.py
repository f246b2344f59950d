"""`manage.py tenants`, `migrate` and `setup` over a small fleet; what the check finds."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evosense.core.schema import public_scope
from evosense.testing.fleet import fleet_base, fleet_copy, tenants_command
from tenancy.db.fleet.check import check_fleet
from tenancy.db.migrate import drop_schema
from tenancy.models import Tenant

SIZE = 12
COLUMN = "migrations.AddField('parcel', 'note', models.TextField(db_default=''))"


@pytest.fixture(scope="module")
def base(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), fleet_base(SIZE) as name:
        yield name


@pytest.fixture
def fleet(base, django_db_blocker, tmp_path):
    with django_db_blocker.unblock(), public_scope(), fleet_copy(base, tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE messaging_parcel ALTER COLUMN weight DROP NOT NULL",
        "ALTER TABLE messaging_parcel ALTER COLUMN weight TYPE bigint",
        "ALTER TABLE messaging_parcel DROP CONSTRAINT parcel_weighs",
        "DROP INDEX parcel_heavy",
        "ALTER TABLE messaging_parcel SET (fillfactor = 70)",
        "CREATE TABLE scratch (id bigint)",
    ],
)
def test_a_schema_changed_by_hand_is_named(fleet, change):
    fleet.sql(fleet.tenants[6], change)
    answer, refusal = tenants_command("check")
    assert answer["ok"] is False
    assert list(answer["differs"]) == ["c007"]
    assert answer["differs"]["c007"][0][:2] in {"+ ", "- "}
    assert "differ from a new company: c007" in refusal


def test_the_check_says_nothing_about_a_whole_fleet(fleet):
    answer, refusal = tenants_command("check", "--json")
    assert refusal == ""
    assert answer == {
        "ok": True,
        "tenants": SIZE,
        "pending": [],
        "broken": {},
        "differs": {},
        "unknown": {},
        "strays": [],
        "interrupted_swaps": [],
    }


def test_missing_schemas_and_records_and_strays_are_named_and_stop_nobody(fleet):
    missing, blank, garbled, fine = fleet.keep(4)
    drop_schema(missing)
    fleet.sql(blank, "DROP TABLE django_migrations")
    fleet.sql(garbled, "ALTER TABLE django_migrations RENAME COLUMN app TO application")
    fleet.add(COLUMN)
    answer, refusal = tenants_command("check")
    assert set(answer["broken"]) == {"c001", "c002", "c003"}
    assert answer["broken"]["c001"] == "its schema is missing"
    assert answer["pending"] == [{"migrations": ["messaging.0002_case"], "tenants": ["c004"]}]
    assert len(answer["strays"]) == SIZE - 4
    assert "broken: c001, c002, c003" in refusal
    answer, refusal = tenants_command("migrate")
    assert (answer["migrated"], sorted(answer["broken"])) == (1, ["c001", "c002", "c003"])
    assert refusal == "not migrated: c001, c002, c003"
    assert fleet.sql(fine, "SELECT note FROM messaging_parcel") == []


def test_no_company_is_a_fleet_too(fleet):
    fleet.keep(0)
    fleet.add(COLUMN)
    assert tenants_command("migrate")[0]["migrated"] == 0
    assert tenants_command("plan")[0] == {"tenants": 0, "groups": [], "broken": {}}
    assert tenants_command("check")[0]["tenants"] == 0


def test_migrations_of_a_newer_release_are_named(fleet):
    fleet.keep(3)
    fleet.sql(
        fleet.tenants[0],
        "INSERT INTO django_migrations (app, name, applied) VALUES ('messaging', '0099_x', now())",
    )
    answer, refusal = tenants_command("check")
    assert answer["unknown"] == {"messaging.0099_x": 1}
    assert "schemas of no company" in refusal


def test_one_company_alone(fleet):
    fleet.add(COLUMN)
    answer, refusal = tenants_command("migrate", "--tenant=c010")
    assert (answer["migrated"], refusal, fleet.with_column("note")) == (1, "", 1)
    plan, _ = tenants_command("plan")
    assert [len(group["tenants"]) for group in plan["groups"]] == [SIZE - 1]
    refusal = tenants_command("migrate", "--tenant=c010", "--resume")[1]
    assert refusal.startswith("tenant: A run is resumed as a whole")
    for act in ("check", "plan", "migrate"):
        answer, refusal = tenants_command(act, "--tenant=nobody")
        assert answer == {}
        assert refusal.startswith("tenant: ")


@pytest.mark.parametrize("argument", ["--workers=0", "--stop-after=x"])
def test_a_wrong_number_is_refused(argument):
    with pytest.raises(CommandError, match="a whole number from 1 on"):
        call_command("tenants", "migrate", argument)


def test_setup_and_migrate_bring_the_fleet_up_to_date(fleet):
    fleet.keep(5)
    fleet.add(COLUMN)
    call_command("migrate", shared=True, verbosity=0)
    assert fleet.with_column("note") == 0
    out = StringIO()
    call_command("migrate", verbosity=1, stdout=out)
    assert "Companies: 5 migrated, 0 failed" in out.getvalue()
    fleet.add("migrations.AddField('parcel', 'size', models.IntegerField(null=True))")
    for tenant in fleet.tenants[1:4]:
        fleet.sql(tenant, "ALTER TABLE messaging_parcel ADD COLUMN size integer")
    with pytest.raises(CommandError, match="not migrated: c002, c003, c004; "):
        call_command("setup", stdout=StringIO())
    for tenant in fleet.tenants[1:4]:
        fleet.sql(tenant, "ALTER TABLE messaging_parcel DROP COLUMN size")
    call_command("setup", stdout=StringIO())
    assert check_fleet().pending == []


def test_a_company_whose_provisioning_failed_is_tried_again(fleet):
    fleet.keep(1)
    Tenant.objects.create(name="New", slug="new", state="failed", state_error="disk full")
    assert tenants_command("retry", "new") == ({"tenant": "new", "state": "ready"}, "")
    assert check_fleet(slug="new").differs == {}
    assert tenants_command("retry", "nobody")[1].startswith("tenant: ")
