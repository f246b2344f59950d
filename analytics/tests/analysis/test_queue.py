"""From a stored message to its judgement: what waits, who takes it, what is written."""

from datetime import timedelta

from django.utils import timezone

from analytics.analysis import claims
from analytics.analysis.enqueue import note_messages
from analytics.analysis.worker import work_off
from analytics.models import AiSettings, AnalysisJob, EmbeddingJob, Inference
from evosense.core.models import OutboxEvent
from evosense.core.schema import public_scope
from messaging.models import Message, MessageMedia
from messaging.services.judgements import MessageJudgement, store_judgements
from messaging.tests.factories import make_contact, make_conversation, make_message


def _person_says(message: Message) -> None:
    store_judgements(
        [MessageJudgement(message.pk, 0.5, "alegria", 70, "neutro", "", 1.0, "person")]
    )


def test_a_message_is_judged_and_tells_who_judged_it(tenant) -> None:
    message = make_message(text="muito bom")
    assert note_messages([message.pk]) == 1
    assert claims.waiting(tenant) == 1
    assert work_off() is False
    message.refresh_from_db()
    assert (message.sentiment, message.emotion, message.judged_by) == (0.8, "alegria", "embedded")
    assert (message.satisfaction, message.tone, message.confidence) == (86, "neutro", 0.8)
    row = Inference.objects.get()
    assert (row.status, row.provider, row.model_name) == ("ok", "embedded", "stub-1")
    assert row.cues == [{"text": "bom", "weight": 0.8}]
    assert claims.waiting(tenant) == 0
    assert EmbeddingJob.objects.filter(message=message).exists()
    with public_scope():
        news = OutboxEvent.objects.get(topic="analytics.messages_judged")
    assert news.payload == {
        "message_ids": [message.pk],
        "conversation_ids": [message.conversation_id],
    }


def test_the_same_event_again_changes_nothing(tenant, stub) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    assert note_messages([message.pk]) == 0
    work_off()
    assert note_messages([message.pk]) == 0
    work_off()
    assert Inference.objects.count() == 1
    assert stub.asked == [["muito bom"]]


def test_an_edited_message_is_judged_again_and_both_rows_stay(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    work_off()
    Message.objects.filter(pk=message.pk).update(text="muito ruim", edited_at=timezone.now())
    assert note_messages([message.pk]) == 1
    work_off()
    message.refresh_from_db()
    assert message.sentiment == -0.8
    assert Inference.objects.count() == 2


def test_receipts_and_reactions_queue_nothing(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    work_off()
    EmbeddingJob.objects.all().delete()
    Message.objects.filter(pk=message.pk).update(status="read")
    assert note_messages([message.pk]) == 0


def test_only_what_the_company_wants_is_judged(tenant) -> None:
    group = make_conversation(contact=make_contact("Grupo", kind="group"))
    talk = make_conversation()
    unwanted = [
        make_message(talk, direction="outbound"),
        make_message(group),
        make_message(talk, is_hidden=True),
        make_message(talk, deleted_at=timezone.now()),
        make_message(talk, is_placeholder=True),
        make_message(talk, text="", type="image"),
    ]
    assert note_messages([one.pk for one in unwanted]) == 0
    AiSettings.objects.create(analyses_sent=True, analyses_groups=True)
    assert note_messages([one.pk for one in unwanted]) == 2
    # Searching by meaning finds what was said by either side, judged or not.
    assert EmbeddingJob.objects.count() == 2


def test_captions_and_transcripts_are_words(tenant, stub) -> None:
    voice = make_message(text="", type="audio")
    MessageMedia.objects.create(message=voice, kind="audio", transcript="isso foi ruim")
    picture = make_message(text="olha que bom", type="image")
    note_messages([voice.pk, picture.pk])
    work_off()
    assert sorted(stub.asked[0]) == ["isso foi ruim", "olha que bom"]


def test_a_transcript_that_comes_later_is_judged_then(tenant) -> None:
    voice = make_message(text="", type="audio")
    media = MessageMedia.objects.create(message=voice, kind="audio")
    assert note_messages([voice.pk]) == 0
    MessageMedia.objects.filter(pk=media.pk).update(transcript="isso foi ruim")
    assert note_messages([voice.pk]) == 1


def test_what_a_person_said_stays(tenant) -> None:
    message = make_message(text="muito ruim")
    note_messages([message.pk])
    _person_says(message)
    work_off()
    message.refresh_from_db()
    assert (message.sentiment, message.judged_by) == (0.5, "person")
    # The analyser's opinion is kept beside it, for comparing.
    assert Inference.objects.get().sentiment == -0.8
    assert note_messages([message.pk]) == 0


def test_the_newest_message_goes_first(tenant) -> None:
    talk = make_conversation()
    messages = [make_message(talk) for _each in range(5)]
    note_messages([one.pk for one in messages])
    held = claims.claim(2)
    assert set(held.message_ids) == {messages[4].pk, messages[3].pk}
    assert not set(claims.claim(9).message_ids) & set(held.message_ids)


def test_a_claim_whose_worker_is_silent_is_taken_over(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    late = claims.claim(5)
    AnalysisJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    taken = claims.claim(5)
    assert taken.message_ids == [message.pk]
    assert taken.attempts == {message.pk: 2}
    assert claims.still_held(late) == set()
    assert claims.still_held(taken) == {message.pk}


def test_an_edit_while_it_is_judged_takes_the_claim_away(tenant) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    held = claims.claim(5)
    Message.objects.filter(pk=message.pk).update(text="muito ruim", edited_at=timezone.now())
    assert note_messages([message.pk]) == 1
    assert claims.still_held(held) == set()
    work_off()
    message.refresh_from_db()
    assert message.sentiment == -0.8


def test_a_message_deleted_while_it_waits_is_judged_by_nobody(tenant, stub) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])
    Message.objects.filter(pk=message.pk).update(deleted_at=timezone.now(), text="")
    work_off()
    assert stub.asked in ([], [[]])
    assert not AnalysisJob.objects.exists()
    assert not Inference.objects.exists()


def test_what_breaks_goes_back_and_is_put_aside_in_the_end(tenant, monkeypatch) -> None:
    message = make_message(text="muito bom")
    note_messages([message.pk])

    def broken(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("analytics.analysis.worker.judge", broken)
    for _attempt in range(claims.MOST_ATTEMPTS):
        AnalysisJob.objects.update(not_before=None)
        try:
            work_off()
        except ZeroDivisionError:
            continue
    job = AnalysisJob.objects.get()
    assert (job.state, job.error) == ("failed", "ZeroDivisionError")
    assert claims.waiting(tenant) == 0


def test_the_context_is_what_was_said_before_in_the_same_talk(tenant, stub) -> None:
    talk = make_conversation()
    make_message(talk, text="posso ajudar?", direction="outbound")
    make_message(text="de outra conversa")
    target = make_message(talk, text="sim")
    note_messages([target.pk])
    work_off()
    assert [(turn.who, turn.text) for turn in stub.contexts[0]] == [("A", "posso ajudar?")]


def test_another_company_sees_none_of_it(tenant, other_tenant) -> None:
    note_messages([make_message(text="muito bom").pk])
    assert claims.waiting(other_tenant) == 0
    assert claims.waiting(None) == 1
