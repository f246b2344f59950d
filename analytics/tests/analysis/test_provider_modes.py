"""Every way in which the fake provider misbehaves ends in valid rows and a reason to be read."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.analysis import dialogue
from analytics.analysis.enqueue import note_messages
from analytics.analysis.tasks import sweep_analysis
from analytics.analysis.worker import work_off
from analytics.models import AiSettings, AnalysisJob, Inference, ModelCall
from analytics.providers import windows
from analytics.providers.fake import MODES, FakeProvider
from analytics.tests.providers.helpers import make_provider
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message

TEXTS = ["amei, obrigada por tudo", "péssimo, veio quebrado e errado", "qual o prazo de entrega?"]
# What a server does that answers after all, with the embedding modes, which chat like "ok".
ANSWERS = {
    "ok", "no_json_schema", "no_tools", "no_json_object", "only_plain", "ignores_format",
    "limited", "drops_once", "broken_once", "slow", "obeys", "no_usage", "lying_usage", "renames",
    "duplicate_ids", "silence",
}  # fmt: skip
OF_VECTORS = {"fixed_dimensions", "long_vectors", "broken_vectors", "few_vectors"}
LEFT_OUT = OF_VECTORS


@pytest.fixture(autouse=True)
def _quick(monkeypatch) -> None:
    monkeypatch.setattr("analytics.providers.asking.random.uniform", lambda low, high: 0.0)
    monkeypatch.setattr("analytics.providers.fake.modes.SLOW_SECONDS", 0.3)
    windows._local.clear()


def _judge_with(mode: str) -> list[Inference]:
    talk = make_conversation()
    messages = [make_message(talk, text=text) for text in TEXTS]
    with FakeProvider(mode) as fake:
        provider = make_provider(fake.base_url)
        AiSettings.objects.update_or_create(
            pk=1, defaults={"engine": "provider", "provider_id": provider.pk}
        )
        note_messages([one.pk for one in messages])
        work_off()
    return list(Inference.objects.order_by("message_id"))


@pytest.mark.parametrize("mode", sorted(set(MODES) - LEFT_OUT))
def test_each_mode_ends_in_valid_rows_and_a_visible_reason(tenant, mode) -> None:
    rows = _judge_with(mode)
    assert len(rows) == 3
    assert {row.status for row in rows} == {"ok"}
    assert all(-1 <= row.sentiment <= 1 and row.emotion and row.tone for row in rows)
    judged = set(Message.objects.values_list("judged_by", flat=True))
    if mode in ANSWERS:
        assert (judged, {row.is_degraded for row in rows}) == ({"provider"}, {False}), rows[0].error
        assert sum(row.cost_micros for row in rows) == 0
    elif mode == "missing_ids":
        # The first of each answer is left out, also of an answer about one message.
        assert {(row.is_degraded, row.error) for row in rows} == {(True, "missing"), (False, "")}
    else:
        assert (judged, {row.is_degraded for row in rows}) == ({"degraded"}, {True})
        assert all(row.error for row in rows)
    assert 1 <= ModelCall.objects.count() <= 24
    assert all(call.latency_ms < 60_000 for call in ModelCall.objects.all())


def test_a_server_that_hangs_costs_a_bounded_time(tenant, monkeypatch) -> None:
    monkeypatch.setattr("analytics.providers.fake.modes.SLOW_SECONDS", 6)
    monkeypatch.setattr(dialogue, "_ONE_CALL_SECONDS", 1.5)
    started = timezone.now()
    rows = _judge_with("slow")
    assert timezone.now() - started < timedelta(seconds=5)
    assert {(row.is_degraded, row.error) for row in rows} == {(True, "timed_out")}


def test_what_was_degraded_is_asked_about_again_when_the_provider_is_back(tenant) -> None:
    talk = make_conversation()
    message = make_message(talk, text="amei, obrigada por tudo")
    with FakeProvider("broken") as fake:
        provider = make_provider(fake.base_url)
        AiSettings.objects.create(engine="provider", provider_id=provider.pk)
        note_messages([message.pk])
        work_off()
        job = AnalysisJob.objects.get()
        assert (job.state, job.error) == ("deferred", "server_error")
        assert job.not_before > timezone.now() + timedelta(minutes=4)
        fake.mode = "ok"
        # Another message is answered: the provider is back, so nobody waits for the pause to end.
        other = make_message(talk, text="péssimo")
        note_messages([other.pk])
        work_off()
        sweep_analysis.run()
        work_off()
    message.refresh_from_db()
    assert message.judged_by == "provider"
    assert sorted(
        Inference.objects.filter(message=message).values_list("is_degraded", flat=True)
    ) == [False, True]
    assert not AnalysisJob.objects.exists()


def test_keys_go_only_to_the_host_they_were_saved_with(tenant) -> None:
    with FakeProvider("ok") as good, FakeProvider("ok") as other:
        provider = make_provider(good.base_url)
        AiSettings.objects.create(engine="provider", provider_id=provider.pk)
        type(provider).objects.filter(pk=provider.pk).update(base_url=other.base_url)
        message = make_message(text="amei")
        note_messages([message.pk])
        work_off()
        assert other.seen == []
    row = Inference.objects.get()
    assert (row.is_degraded, row.error) == (True, "key_of_other_host")
