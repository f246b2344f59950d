import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from analytics.models import AiNotice
from analytics.providers import breaker, windows
from analytics.providers.models import Provider
from analytics.providers.refs import provider_ref
from analytics.tests.providers.helpers import ask_about, make_provider, make_ref
from evosense.core.schema import public_scope, tenant_scope


def row_of(ref) -> Provider:
    return Provider.objects.defer("api_key").get(pk=ref.id)


def end_rest(ref) -> None:
    Provider.objects.filter(pk=ref.id).update(breaker_until=timezone.now() - timedelta(seconds=1))


def test_five_failures_in_a_row_give_the_provider_a_rest(tenant, fake):
    ref = make_ref(fake.url_of("broken"))
    first = ask_about(ref)
    assert len(first.attempts) == 3
    second = ask_about(ref)
    assert (second.status, second.error) == ("error", "breaker_open")
    assert len(second.attempts) == 2
    assert 25 < second.retry_after <= 30
    seen = len(fake.seen)
    assert ask_about(ref).error == "breaker_open"
    assert len(fake.seen) == seen


def test_failures_among_many_answers_do_not(tenant):
    ref = make_ref("http://127.0.0.1:9/v1")
    for _ in range(12):
        breaker.note_success(ref, is_trial=False)
    for _ in range(5):
        breaker.note_failure(ref, "server_error", is_trial=False)
    assert row_of(ref).breaker == "closed"
    for _ in range(5):
        breaker.note_failure(ref, "server_error", is_trial=False)
    assert row_of(ref).breaker == "open"


@pytest.mark.parametrize("mode", ["unauthorized", "forbidden", "not_found", "quota"])
def test_a_refused_key_rests_at_once_and_is_told(tenant, fake, mode):
    ref = make_ref(fake.url_of(mode))
    ask_about(ref)
    row = row_of(ref)
    assert (row.breaker, row.problem) == ("open", mode)
    notice = AiNotice.objects.get()
    assert (notice.kind, notice.subject) == ("provider_refused", str(ref.id))
    assert ask_about(ref).error == "breaker_open"
    assert AiNotice.objects.count() == 1


@pytest.mark.parametrize("mode", ["bad_request", "too_long", "filter", "refusal"])
def test_what_a_text_brings_about_stops_nobody(tenant, fake, mode):
    ref = make_ref(fake.url_of(mode))
    for _ in range(6):
        ask_about(ref)
    assert row_of(ref).breaker == "closed"


def test_rests_double_up_to_ten_minutes(tenant):
    ref = make_ref("http://127.0.0.1:9/v1")
    rests = []
    for _ in range(7):
        breaker.note_failure(ref, "unauthorized", is_trial=True)
        rests.append(round((row_of(ref).breaker_until - timezone.now()).total_seconds()))
        end_rest(ref)
        assert breaker.gate(ref).is_trial
    assert rests == [30, 60, 120, 240, 480, 600, 600]


def test_a_good_trial_lets_everybody_back_and_closes_the_notice(tenant, fake):
    ref = make_ref(fake.url_of("unauthorized"))
    ask_about(ref)
    end_rest(ref)
    Provider.objects.filter(pk=ref.id).update(
        base_url=fake.base_url, key_origin=fake.origin, breaker_openings=3
    )
    assert ask_about(provider_ref(ref.id)).status == "ok"
    row = row_of(ref)
    assert (row.breaker, row.breaker_openings, row.problem) == ("closed", 0, "")
    assert AiNotice.objects.get().closed_at is not None


def test_a_late_failure_does_not_make_a_rest_longer(tenant):
    ref = make_ref("http://127.0.0.1:9/v1")
    breaker.note_failure(ref, "unauthorized", is_trial=False)
    until = row_of(ref).breaker_until
    breaker.note_failure(ref, "unauthorized", is_trial=False)
    assert row_of(ref).breaker_until == until


def test_after_a_rest_only_one_of_many_may_try(committed, tenant):
    ref = make_ref("http://127.0.0.1:9/v1")
    breaker.note_failure(ref, "unauthorized", is_trial=False)
    end_rest(ref)
    found, start = [], threading.Barrier(8)

    def look():
        start.wait()
        with tenant_scope(tenant):
            found.append(breaker.gate(ref).is_open)
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [False] * 7 + [True]


def test_of_the_house_companies_hear_no_notice(tenant, fake):
    with public_scope():
        made = make_provider(fake.url_of("unauthorized"))
    ask_about(provider_ref(made.pk))
    assert row_of(provider_ref(made.pk)).breaker == "open"
    assert not AiNotice.objects.exists()


def test_without_redis_each_process_counts_for_itself(tenant, monkeypatch):
    import redis

    def away():
        raise redis.ConnectionError

    monkeypatch.setattr("analytics.providers.windows.redis_client", away)
    counted = [windows.note("g:x", is_good=False, seconds=60) for _ in range(3)]
    assert (counted[-1].total, counted[-1].bad) == (3, 3)
