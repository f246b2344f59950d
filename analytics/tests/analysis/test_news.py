"""News about a message while it waits: what changes its words counts, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.analysis import claims, worker
from analytics.analysis.enqueue import note_messages
from analytics.analysis.on_demand import judge_now, keep_now
from analytics.analysis.worker import work_off
from analytics.models import AnalysisJob, CachedJudgement, Inference
from analytics.providers.chat import ChatOutcome
from analytics.tests.analysis.conftest import item
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message


def _edit(message: Message, text: str) -> None:
    Message.objects.filter(pk=message.pk).update(text=text, edited_at=timezone.now())


def test_a_receipt_takes_no_claim_away(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    held = claims.claim(5)
    Message.objects.filter(pk=message.pk).update(status="read")
    assert note_messages([message.pk]) == 0
    assert claims.still_held(held) == {message.pk}


def test_a_receipt_leaves_what_waits_for_a_provider_to_be_back(tenant, provider, model) -> None:
    model.answer = lambda _messages: ChatOutcome("error", "server_error")
    message = make_message(text="isso foi ruim")
    note_messages([message.pk])
    work_off()
    before = AnalysisJob.objects.values().get()
    assert before["state"] == "deferred"
    assert note_messages([message.pk]) == 0
    assert AnalysisJob.objects.values().get() == before
    _edit(message, "isso foi bom")
    assert note_messages([message.pk]) == 1
    assert AnalysisJob.objects.get().state == "waiting"


def test_what_failed_is_tried_anew_only_when_asked_for(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    AnalysisJob.objects.update(state="failed", attempts=6, error="worker_died")
    assert note_messages([message.pk]) == 0
    assert note_messages([message.pk], is_asked=True) == 1
    assert AnalysisJob.objects.values_list("state", "attempts").get() == ("waiting", 0)


def test_an_edit_while_somebody_has_it_analysed_is_not_lost(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    fresh = judge_now(message.pk)
    _edit(message, "muito ruim")
    note_messages([message.pk])
    row = keep_now(fresh)
    message.refresh_from_db()
    assert (row.sentiment, message.sentiment) == (0.8, None)
    work_off()
    message.refresh_from_db()
    assert message.sentiment == -0.8
    assert Inference.objects.count() == 2


def test_history_goes_to_no_provider_also_when_asked_for(tenant, provider, model) -> None:
    message = make_message(text="isso foi ruim", is_history=True)
    row = keep_now(judge_now(message.pk))
    assert (row.provider, model.requests) == ("embedded", [])


@pytest.fixture
def deferred(tenant, provider, model) -> list[Message]:
    model.answer = lambda _messages: ChatOutcome("error", "server_error")
    talk = make_conversation()
    messages = [make_message(talk, text=f"pedido número {at} ruim") for at in range(5)]
    note_messages([one.pk for one in messages])
    work_off()
    assert AnalysisJob.objects.filter(state="deferred", attempts=1).count() == 5
    return messages


def test_a_provider_that_seems_back_gets_one_batch_whose_tries_do_not_count(
    deferred, monkeypatch
) -> None:
    monkeypatch.setattr(worker, "PROVIDER_BATCH", 2)
    for _minute in range(6):
        claims.ask_early(2)
        work_off()
    assert set(AnalysisJob.objects.values_list("state", "attempts")) == {("deferred", 1)}
    # Each message was tried early once; the pauses do the rest.
    assert claims.ask_early(2) == 0
    assert not claims.due(timezone.now() + timedelta(minutes=1))


def test_the_rest_follows_when_a_batch_has_its_answers(deferred, model, monkeypatch) -> None:
    monkeypatch.setattr(worker, "PROVIDER_BATCH", 2)
    model.requests.clear()
    model.answer = lambda messages: [item(one["id"]) for one in messages]
    assert claims.ask_early(2) == 2
    work_off()
    assert not AnalysisJob.objects.exists()
    assert [len(each) for each in model.texts()] == [2, 2, 1]


def test_what_is_edited_or_deleted_is_no_answer_for_others(tenant, provider, model) -> None:
    talk = make_conversation()
    messages = [make_message(talk, text=f"pedido número {at}") for at in range(3)]
    note_messages([one.pk for one in messages])
    work_off()
    assert CachedJudgement.objects.count() == 3
    _edit(messages[0], "outra coisa")
    Message.objects.filter(pk=messages[1].pk).update(text="", deleted_at=timezone.now())
    note_messages([one.pk for one in messages])
    assert CachedJudgement.objects.get().message_id == messages[2].pk
