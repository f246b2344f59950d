"""The trail proves itself, and the log remembers its newest seal."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import AuditEntry, Tenant
from tenancy.services import audit
from tenancy.services.audit_chain import anchor, check_chain, forget_old
from tenancy.tasks import anchor_audit


@pytest.fixture
def three(tenant):
    return [audit.record("member.invited", object_label=str(number)) for number in range(3)]


def test_a_whole_trail_holds_up_to_its_newest_entry(three):
    found = check_chain(ALPHA.id)
    assert (found.number, found.broken, found.hash) == (3, None, bytes(three[-1].hash).hex())


@pytest.mark.parametrize(
    "forge",
    [
        lambda rows: rows.filter(number=2).update(object_label="x"),
        lambda rows: rows.filter(number=2).update(actor_id="7"),
        lambda rows: rows.filter(number=2).update(changes={"role": ["a", "b"]}),
        lambda rows: rows.filter(number=2).delete(),
    ],
)
def test_an_entry_that_was_changed_or_taken_out_is_found(three, forge):
    with public_scope():
        forge(AuditEntry.objects.filter(tenant_id=ALPHA.id))
    assert check_chain(ALPHA.id).broken == 2


def test_the_anchor_is_in_the_log_and_a_broken_trail_is_an_error(three, caplog):
    with caplog.at_level(logging.INFO, logger="evosense.audit"):
        anchor(ALPHA.id)
        assert bytes(three[-1].hash).hex() in caplog.text
        with public_scope():
            AuditEntry.objects.filter(tenant_id=ALPHA.id, number=1).update(object_label="x")
        anchor(ALPHA.id)
    assert caplog.records[-1].levelname == "ERROR"


def test_the_nightly_task_runs_in_its_company(three, caplog):
    with caplog.at_level(logging.INFO, logger="evosense.audit"):
        anchor_audit.run()
    assert str(ALPHA.id) in caplog.text


def test_an_empty_trail_is_whole(tenant):
    with public_scope():
        assert Tenant.objects.filter(pk=ALPHA.id).exists()
    assert (check_chain(ALPHA.id).number, check_chain(ALPHA.id).broken) == (0, None)


def test_entries_go_after_two_years_and_the_chain_still_holds(three, public):
    old = timezone.now() - timedelta(days=731)
    resealed(AuditEntry.objects.filter(tenant_id=ALPHA.id, number__lte=2), at=old)

    assert forget_old() == 2

    left = AuditEntry.objects.filter(tenant_id=ALPHA.id).order_by("number")
    assert [entry.action for entry in left] == ["member.invited", "audit.purged"]
    assert check_chain(ALPHA.id).broken is None
    assert forget_old() == 0


def test_a_removal_that_nobody_noted_is_found(three):
    with public_scope():
        AuditEntry.objects.filter(tenant_id=ALPHA.id, number=1).delete()
    assert check_chain(ALPHA.id).broken == 1


def resealed(entries, *, at):
    """Date entries back, and seal them and all that follow anew."""
    entries.update(at=at)
    before = bytes(32)
    for entry in AuditEntry.objects.filter(tenant_id=ALPHA.id).order_by("number"):
        entry.previous_hash = before
        entry.hash = before = audit.seal(entry)
        entry.save()
