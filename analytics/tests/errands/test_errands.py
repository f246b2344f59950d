"""What people wait for: begun once, done at most once, given up in time, forgotten after a day."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.errands import rows, work
from analytics.errands.starting import start
from analytics.errands.tasks import run_errand
from analytics.models import Errand
from analytics.tests.errands.helpers import do_waiting
from evosense.core.errors import Conflict, NotFound
from evosense.core.ids import uuid7
from evosense.core.schema import current_tenant, tenant_scope
from evosense.testing.threads import run_threads
from tenancy.db import tickets

Kind, State = Errand.Kind, Errand.State


@pytest.fixture
def done(monkeypatch):
    """Return the errands that were done, in place of asking anybody."""
    seen = []

    def note(errand):
        seen.append(errand.pk)
        return {"suggestions": []}

    monkeypatch.setitem(work._HANDLERS, Kind.REPLIES, note)
    return seen


def begin(**over):
    values = {"subject": uuid7(), "asked_by": 7} | over
    return start(Kind.REPLIES, **values)


def late(errand, **ago):
    Errand.objects.filter(pk=errand.pk).update(expires_at=timezone.now() - timedelta(**ago))
    errand.refresh_from_db()
    return errand


def test_the_same_is_begun_once_while_it_is_open(tenant, done):
    subject = uuid7()
    first = begin(subject=subject)
    assert begin(subject=subject).pk == first.pk
    assert begin(subject=subject, asked_by=8).pk != first.pk
    assert begin(subject=subject, request={"agent": "Ana"}).pk != first.pk
    do_waiting()
    assert len(done) == 3
    assert begin(subject=subject).pk != first.pk


def test_what_concerns_everybody_is_one_for_two_people(tenant):
    subject = uuid7()
    one = start(Kind.PROBE, subject=subject, asked_by=1)
    assert start(Kind.PROBE, subject=subject, asked_by=2).pk == one.pk


def test_a_form_counts_once_however_its_errand_ended(tenant, done):
    asked = {"subject": uuid7(), "token": "of one form"}
    first = begin(**asked)
    do_waiting()
    assert begin(**asked).pk == first.pk
    assert begin(**asked, request={"texts": "others"}).pk != first.pk
    assert begin(**asked | {"token": "of another"}).pk != first.pk


def test_clicks_at_the_same_time_begin_one_and_one_is_done(committed, tenant, redis_db, done):
    subject, ref = uuid7(), current_tenant()

    def click():
        with tenant_scope(ref):
            return begin(subject=subject).pk

    assert len(set(run_threads([click] * 8))) == 1
    assert Errand.objects.count() == 1
    assert tickets.work_off("asked") == 1
    assert len(done) == 1


def test_a_second_delivery_does_nothing(tenant, done):
    errand = begin()
    run_errand(errand_pk=errand.pk)
    run_errand(errand_pk=errand.pk)
    run_errand(errand_pk=errand.pk + 1_000)
    assert done == [errand.pk]


def test_what_a_dead_worker_began_is_given_up_in_time_and_never_done_again(tenant, done):
    errand = begin()
    Errand.objects.filter(pk=errand.pk).update(state=State.RUNNING)
    work.do_errand(errand.pk)
    assert done == []
    assert rows.state_of(late(errand, seconds=1)) == State.EXPIRED
    again = start(Kind.REPLIES, subject=errand.subject, asked_by=7)
    assert again.pk != errand.pk
    errand.refresh_from_db()
    assert errand.state == State.EXPIRED


def test_what_waited_too_long_is_not_begun(tenant, done):
    errand = begin()
    soon = timezone.now() + timedelta(seconds=work.SECONDS[Kind.REPLIES] - 5)
    Errand.objects.filter(pk=errand.pk).update(expires_at=soon)
    work.do_errand(errand.pk)
    assert done == []
    assert rows.is_open(errand)


def test_a_cancelled_one_is_not_done_and_a_late_result_is_dropped(tenant, done, monkeypatch):
    errand = begin()
    assert rows.cancel(errand)
    work.do_errand(errand.pk)
    assert done == []
    other = begin()
    monkeypatch.setitem(work._HANDLERS, Kind.REPLIES, lambda one: {"cancelled": rows.cancel(one)})
    work.do_errand(other.pk)
    other.refresh_from_db()
    assert (other.state, other.result) == (State.CANCELLED, None)
    assert not rows.cancel(other)


@pytest.mark.parametrize(
    ("error", "code"),
    [(Conflict("nothing_said", "…"), "nothing_said"), (ZeroDivisionError(), "internal_error")],
)
def test_a_failure_says_why(tenant, monkeypatch, error, code):
    def fail(_errand):
        raise error

    monkeypatch.setitem(work._HANDLERS, Kind.REPLIES, fail)
    begin()
    [row] = do_waiting()
    assert (row.state, row.error, row.result) == (State.FAILED, code, None)
    assert row.ended_at is not None


def test_a_day_later_it_is_forgotten(tenant, done):
    old, young, stuck = begin(), begin(), begin()
    work.do_errand(old.pk)
    work.do_errand(young.pk)
    yesterday = timezone.now() - timedelta(hours=25)
    Errand.objects.filter(pk__in=[old.pk, stuck.pk]).update(
        created_at=yesterday, expires_at=yesterday
    )
    assert rows.forget_old() == 2
    assert list(Errand.objects.values_list("pk", flat=True)) == [young.pk]


def test_others_are_not_there(tenant, other_tenant):
    with tenant_scope(other_tenant):
        theirs = begin()
    with pytest.raises(NotFound):
        rows.errand_of(theirs.public_id)
    own = begin()
    assert rows.errand_of(own.public_id, Kind.REPLIES).pk == own.pk
    with pytest.raises(NotFound):
        rows.errand_of(own.public_id, Kind.PLAYGROUND)


def test_the_newest_one_counts(tenant, done):
    subject = uuid7()
    begin(subject=subject)
    do_waiting()
    newest = begin(subject=subject)
    begin(subject=subject, asked_by=8)
    assert rows.latest(Kind.REPLIES, subject, asked_by=7).pk == newest.pk
    assert rows.latest(Kind.REPLIES, uuid7()) is None


def test_each_kind_has_its_time_within_the_lease_of_its_lane():
    assert set(work.SECONDS) == set(work._HANDLERS) == set(Kind)
    assert max(work.SECONDS.values()) < tickets.LANES["asked"].lease_seconds
