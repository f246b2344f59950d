"""Operators read words: names of things in breadcrumbs, acts and their details, filters."""

import pytest
from django.utils import timezone
from django.utils.translation import override

from evosense.testing.databases import ALPHA
from tenancy.audit_values import NOTHING, value_words
from tenancy.models import (
    AuditEntry,
    FleetRun,
    Mail,
    SignUp,
    SupportGrant,
    Tenant,
    TenantMigration,
)
from tenancy.services import accounts, upkeep
from tenancy.tests import factories
from tenancy.tests.operators import make_operator, operator_client

TRAIL = "/admin/tenancy/auditentry/"
LATER = timezone.now() + timezone.timedelta(days=2)


def page_of(thing):
    about = thing._meta
    place = f"/admin/{about.app_label}/{about.model_name}/{thing.pk}/change/"
    answer = operator_client().get(place)
    assert answer.status_code == 200
    return answer.text


def make(kind):
    company = Tenant.objects.get(pk=ALPHA.id)
    if kind == "letter":
        return Mail.objects.create(kind="sign_up_confirm", to="ana@example.com")
    if kind == "sign-up":
        return SignUp.objects.create(
            email="ana@example.com", name="Ana", company="Padaria", slug="padaria", expires_at=LATER
        )
    if kind == "support":
        return SupportGrant.objects.create(
            tenant=company, operator_id=make_operator().pk, reason="a test", expires_at=LATER
        )
    run = FleetRun.objects.create(state="done", digest="0" * 64)
    if kind == "run":
        return run
    return TenantMigration.objects.create(run=run, tenant=company, state="done", method="replay")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("letter", "sign_up_confirm"),
        ("sign-up", None),
        ("support", None),
        ("run", "done"),
        ("step", "done"),
    ],
)
def test_a_thing_is_called_by_a_name(kind, code, public):
    thing = make(kind)
    page = page_of(thing)
    with timezone.override("America/Sao_Paulo"):
        shown = str(thing)
    assert str(thing.pk) not in shown
    assert code is None or code not in shown
    assert shown in page


def test_what_was_done_is_told_in_words(public):
    person = factories.make_member("agent").user
    accounts.deactivate(person.pk, reason="called in and asked for it")
    upkeep.set_entitlement(ALPHA.id, name="seats", limit=7)
    closed = AuditEntry.objects.get(tenant=None, action="user.deactivated")
    limited = AuditEntry.objects.get(tenant=None, action="tenant.entitlement_set")
    for entry, raw in ((closed, "user.deactivated"), (limited, "seats")):
        text = page_of(entry)
        assert raw not in text
        assert entry.action not in str(entry)
    listing = operator_client().get(TRAIL)
    assert "act=user.deactivated" in listing.text, "the filter goes by what was done"
    narrowed = operator_client().get(TRAIL, {"act": "user.deactivated"})
    assert [entry.pk for entry in narrowed.context["cl"].result_list] == [closed.pk]


def test_letters_are_filtered_by_kind(public):
    kept, _other = (
        Mail.objects.create(kind=kind, to="a@example.com") for kind in ("invitation", "new_login")
    )
    found = (
        operator_client()
        .get("/admin/tenancy/mail/", {"kind": "invitation"})
        .context["cl"]
        .result_list
    )
    assert [letter.pk for letter in found] == [kept.pk]


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ("password+recovery", "method", "Password and recovery code"),
        ("owner", "role", "Owner"),
        ("owner", "reason", "owner"),
        ("called by phone", "reason", "called by phone"),
        (["messages:read"], "scopes", "Read messages"),
        ("plan", "seats", "By the plan"),
        ("moving", "state", "Being moved"),
        (True, "", "yes"),
        ([], "", NOTHING),
        ("2026-03-01T12:30:00+00:00", "", "03/01/2026 9:30 a.m."),
        ("2026-03-01", "", "03/01/2026"),
        ("2026-02-30T25:00", "", "2026-02-30T25:00"),
        ("2026-03-01 was a Sunday", "", "2026-03-01 was a Sunday"),
    ],
)
def test_stored_values_read_as_words(value, field, words):
    with override("en"), timezone.override("America/Sao_Paulo"):
        assert value_words(value, field) == words
