"""From a stored recording to its words, its judgement and its place; each asked about once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.analysis.enqueue import note_messages
from analytics.analysis.tasks import sweep_analysis
from analytics.models import AiSettings, AnalysisJob, EmbeddingJob, ModelCall, TranscriptionJob
from analytics.providers.fake.modes import MODES, SPOKEN
from analytics.tests.transcribing.conftest import SOUND, chosen, recorded
from analytics.transcribing import jobs, tasks, working
from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope, tenant_scope
from evosense.core.streams import redis_client
from messaging.models import Message, MessageMedia
from tenancy.db import tickets


def news(*found: MessageMedia) -> None:
    """Deliver the event that these files were stored."""
    ids = [one.message_id for one in found]
    tasks.note_recordings(event_id=1, payload={"message_ids": ids})


def work() -> None:
    while working.transcribe_next():
        continue


def job() -> TranscriptionJob:
    return TranscriptionJob.objects.get()


def let_time_pass() -> None:
    """End pauses and rests."""
    TranscriptionJob.objects.update(not_before=None)
    for key in redis_client().scan_iter("*:sound"):
        redis_client().delete(key)


def test_a_recording_gets_its_words_and_is_judged_and_placed_with_them(provider, fake, record):
    media = record()
    assert note_messages([media.message_id]) == 0
    news(media)
    work()
    media.refresh_from_db()
    assert media.transcript == SPOKEN
    assert not TranscriptionJob.objects.exists()
    (seen,) = fake.seen
    assert seen.path == "/v1/audio/transcriptions"
    assert seen.body["file"] == SOUND
    assert (seen.body["model"], seen.body["response_format"]) == ("hear-1", "json")
    assert seen.body["filename"] == "recording.ogg"
    call = ModelCall.objects.get()
    assert (call.purpose, call.items, call.error) == ("transcription", 1, "")
    assert (call.input_tokens, call.output_tokens, call.cost_micros) == (0, 0, 0)
    with public_scope():
        event = OutboxEvent.objects.get(topic="messaging.media_changed")
    assert event.payload["message_ids"] == [media.message_id]
    assert note_messages(event.payload["message_ids"]) == 1
    assert AnalysisJob.objects.filter(message_id=media.message_id).exists()
    assert EmbeddingJob.objects.filter(message_id=media.message_id).exists()
    # Its own news finds nothing left to do.
    news(media)
    assert not TranscriptionJob.objects.exists()


def test_it_is_off_until_a_company_switches_it_on(tenant, fake, record):
    chosen(fake)
    AiSettings.objects.update(transcribes=False)
    news(record())
    assert not TranscriptionJob.objects.exists()
    assert not AiSettings().transcribes


def test_what_waits_is_forgotten_when_it_is_switched_off(provider, fake, record):
    news(record())
    AiSettings.objects.update(transcribes=False)
    work()
    assert not TranscriptionJob.objects.exists()
    assert fake.seen == []


def test_redelivered_news_ask_once(provider, fake, record):
    media = record()
    for _time in range(3):
        news(media)
    work()
    news(media)
    work()
    assert len(fake.seen) == 1


def test_only_recordings_that_may_leave_are_queued(provider, record, fake):
    kept = record()
    record(message={"view_once": True})
    record(message={"deleted_at": timezone.now()})
    record(message={"is_hidden": True})
    record(kind="image")
    record(transcript="já tem")
    record(status="pending")
    news(*MessageMedia.objects.all())
    assert job().message_id == kept.message_id


def test_groups_only_where_groups_are_analysed(provider, record):
    media = record()
    type(media.message.conversation).objects.update(kind="group")
    news(media)
    assert not TranscriptionJob.objects.exists()
    AiSettings.objects.update(analyses_groups=True)
    news(media)
    assert job().message_id == media.message_id


@pytest.mark.parametrize(
    ("over", "reason"),
    [({"size": 26 * 1024 * 1024}, "too_large"), ({"seconds": 3_601}, "too_long")],
)
def test_what_is_too_large_is_not_sent_and_says_so(provider, fake, record, over, reason):
    news(record(**over))
    work()
    assert (job().state, job().error) == ("failed", reason)
    assert fake.seen == []


def test_a_file_that_is_larger_than_its_row_says_is_not_sent(provider, fake, record, monkeypatch):
    monkeypatch.setattr(working, "MOST_BYTES", 10)
    news(record(size=5))
    work()
    assert job().error == "too_large"
    assert fake.seen == []


def test_a_file_that_is_gone_says_so(provider, fake, record):
    news(record(None))
    work()
    assert (job().state, job().error) == ("failed", "file_gone")


def test_a_deleted_message_is_not_sent(provider, fake, record):
    media = record()
    news(media)
    Message.objects.update(deleted_at=timezone.now())
    work()
    assert not TranscriptionJob.objects.exists()
    assert fake.seen == []


def test_a_provider_without_a_model_is_not_asked(tenant, fake, record):
    chosen(fake, transcription_model="")
    news(record())
    work()
    assert (job().state, job().error) == ("failed", "no_model")
    assert fake.seen == []


def test_under_a_limit_of_money_only_local_models_are_asked(provider, fake, record):
    AiSettings.objects.update(cost_limit_micros=10_000_000)
    news(record())
    work()
    assert (job().state, job().error) == ("failed", "no_price")
    assert fake.seen == []
    type(provider).objects.update(is_local=True)
    jobs.ask_again()
    work()
    assert len(fake.seen) == 1
    assert not TranscriptionJob.objects.exists()


@pytest.mark.parametrize(
    ("mode", "state", "error", "asked"),
    [
        ("silence", "failed", "nothing_said", 1),
        ("nothing", "failed", "invalid_answer", 1),
        ("prose", "failed", "not_json", 1),
        ("html", "failed", "not_json", 1),
        ("huge", "failed", "invalid_answer", 1),
        ("bad_request", "failed", "bad_request", 1),
        ("too_long", "failed", "too_long", 1),
        ("not_found", "failed", "not_found", 1),
        ("unauthorized", "failed", "unauthorized", 1),
        ("quota", "failed", "quota", 1),
        ("broken", "failed", "server_error", 4),
        ("drops", "failed", "broken_answer", 2),
        ("limited_long", "failed", "rate_limited", 4),
    ],
)
def test_failures_end_in_a_reason_after_a_bounded_number_of_tries(
    provider, fake, record, mode, state, error, asked, monkeypatch
):
    monkeypatch.setattr("analytics.providers.limits._LONGEST_PAUSE", 0.0)
    fake.mode = mode
    media = record()
    news(media)
    for _round in range(8):
        work()
        let_time_pass()
    assert (job().state, job().error) == (state, error)
    assert len(fake.seen) == asked
    assert ModelCall.objects.count() == asked
    assert not ModelCall.objects.filter(error="").exists() or mode == "silence"
    media.refresh_from_db()
    assert media.transcript is None


@pytest.mark.parametrize("mode", sorted(MODES))
def test_each_mode_of_a_server_ends_in_words_or_in_a_reason(provider, fake, record, mode):
    fake.mode = mode
    media = record()
    news(media)
    for _round in range(8):
        work()
        let_time_pass()
    media.refresh_from_db()
    if media.transcript is None:
        assert job().state == "failed" or job().error == "rate_limited"
        assert job().error
    else:
        assert media.transcript == SPOKEN
        assert not TranscriptionJob.objects.exists()
    assert 1 <= len(fake.seen) <= jobs.MOST_ATTEMPTS


def test_a_server_that_hangs_is_asked_twice_and_rests_between(provider, fake, record, monkeypatch):
    monkeypatch.setattr(working, "SECONDS", 0.2)
    fake.mode = "slow"
    news(record(), record())
    work()
    # The other one waits for the rest, without an attempt.
    assert len(fake.seen) == 1
    waiting = TranscriptionJob.objects.order_by("-attempts")
    assert [one.error for one in waiting] == ["timed_out", "breaker_open"]
    assert [one.attempts for one in waiting] == [jobs.MOST_ATTEMPTS - 1, 0]
    for _round in range(8):
        let_time_pass()
        work()
    assert set(TranscriptionJob.objects.values_list("state", "error")) == {("failed", "timed_out")}
    assert len(fake.seen) == 4


def test_a_server_that_comes_back_is_asked_again(provider, fake, record):
    fake.mode = "broken_once"
    media = record()
    news(media)
    work()
    assert (job().state, job().error, job().attempts) == ("waiting", "server_error", 1)
    assert job().not_before > timezone.now()
    let_time_pass()
    work()
    media.refresh_from_db()
    assert media.transcript == SPOKEN


def test_nobody_waits_for_ever_for_a_provider_that_rests(provider, fake, record):
    type(provider).objects.update(breaker="open", breaker_until=timezone.now() + timedelta(hours=1))
    news(record())
    work()
    assert (job().state, job().error, job().attempts) == ("waiting", "breaker_open", 0)
    TranscriptionJob.objects.update(created_at=timezone.now() - timedelta(days=3))
    let_time_pass()
    work()
    assert (job().state, job().error) == ("failed", "breaker_open")
    assert fake.seen == []


def test_a_missing_model_for_sound_does_not_stop_the_judging_of_texts(provider, fake, record):
    fake.mode = "not_found"
    news(record())
    work()
    provider.refresh_from_db()
    assert (provider.breaker, provider.problem) == ("closed", "")


def test_a_worker_that_dies_costs_one_more_question_at_most(provider, fake, record, monkeypatch):
    def die(*_arguments: object) -> None:
        raise SystemExit

    media = record()
    news(media)
    # The answer came, and the worker died before it was kept; its lease runs out.
    monkeypatch.setattr(working, "_keep", die)
    for _worker in range(2):
        with pytest.raises(SystemExit):
            work()
        work()
        TranscriptionJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert len(fake.seen) == 2
    assert jobs.claim() is None
    sweep_analysis()
    assert (job().state, job().error) == ("failed", "worker_died")


def test_the_work_of_a_dead_worker_is_done_by_another(provider, fake, record):
    media = record()
    news(media)
    assert jobs.claim() is not None
    work()
    assert fake.seen == []
    TranscriptionJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    work()
    media.refresh_from_db()
    assert media.transcript == SPOKEN


def test_who_lost_the_claim_keeps_nothing(provider, record):
    media = record()
    news(media)
    late = jobs.claim()
    TranscriptionJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert jobs.claim() is not None
    working._keep(late, working.recordings_of([media.message_id])[0], "tarde demais")
    jobs.fail(late, "late")
    media.refresh_from_db()
    assert media.transcript is None
    assert (job().state, job().error) == ("waiting", "")


def test_another_companys_recording_is_never_sent(tenant, other_tenant, fake, record):
    media = record()
    with tenant_scope(other_tenant):
        chosen(fake)
        news(media)
        work()
        assert not TranscriptionJob.objects.exists()
    assert fake.seen == []


def test_the_event_reaches_a_worker_in_the_fair_order(committed, tenant, fake):
    chosen(fake)
    media = recorded()
    news(media)
    tickets.work_off("ai")
    media.refresh_from_db()
    assert media.transcript == SPOKEN


def test_the_sweep_finds_what_was_lost(committed, tenant, fake):
    chosen(fake)
    media = recorded()
    jobs.want([media.message_id])
    sweep_analysis()
    tickets.work_off("ai")
    media.refresh_from_db()
    assert media.transcript == SPOKEN
