"""Messages get their places: once, in the right words, whoever dies meanwhile."""

import threading

import pytest
from django.db import connections, transaction
from django.utils import timezone

from analytics.analysis.enqueue import note_messages
from analytics.models import EmbeddingJob, EmbeddingModel, MessageEmbedding
from analytics.search import engines, filling, jobs, spaces
from analytics.tests.search.conftest import CODE, fake_place
from evosense.core.schema import tenant_scope
from messaging.models import Message
from messaging.tests.factories import make_message


def placed(message):
    return list(
        MessageEmbedding.objects.filter(message=message).values_list("embedding", flat=True)
    )


def test_a_new_message_gets_one_place_and_leaves_the_queue(tenant, engine):
    message = make_message(text="minha entrega atrasou")
    note_messages([message.pk])
    note_messages([message.pk])
    assert filling.fill_queued() == 1
    assert len(placed(message)) == 1
    assert not EmbeddingJob.objects.exists()
    assert filling.fill_queued() == 0
    space = EmbeddingModel.objects.get()
    assert (space.code, space.state) == (CODE, "active")


def test_an_edit_moves_the_place_and_a_receipt_does_not(tenant, engine):
    message = make_message(text="minha entrega atrasou")
    note_messages([message.pk])
    filling.fill_queued()
    note_messages([message.pk])
    assert not jobs.is_due()
    Message.objects.filter(pk=message.pk).update(text="paguei o boleto", edited_at=timezone.now())
    note_messages([message.pk])
    filling.fill_queued()
    (vector,) = placed(message)
    assert vector[1] > 0.5 > vector[0]


def test_a_deleted_message_loses_its_place(tenant, engine):
    message = make_message(text="minha entrega atrasou")
    note_messages([message.pk])
    filling.fill_queued()
    Message.objects.filter(pk=message.pk).update(deleted_at=timezone.now(), text="")
    note_messages([message.pk])
    filling.fill_queued()
    assert placed(message) == []
    assert not EmbeddingJob.objects.exists()


def test_without_words_there_is_no_place(tenant, engine):
    messages = [make_message(text="", type="image"), make_message(text="oi", is_hidden=True)]
    jobs.want_embeddings([one.pk for one in messages])
    assert filling.fill_queued() == 2
    assert not MessageEmbedding.objects.exists()
    assert not EmbeddingJob.objects.exists()


def test_an_edit_while_a_text_is_placed_makes_it_be_placed_again(tenant, engine, monkeypatch):
    message = make_message(text="minha entrega atrasou")
    jobs.want_embeddings([message.pk])

    def edited_meanwhile(space, texts, **_within):
        vectors = fake_place(texts)
        if "entrega" in texts[0]:
            now = timezone.now()
            Message.objects.filter(pk=message.pk).update(text="paguei o boleto", edited_at=now)
            note_messages([message.pk])
        return vectors

    monkeypatch.setattr(engines, "place", edited_meanwhile)
    filling.fill_queued()
    assert placed(message) == []
    filling.fill_queued()
    (vector,) = placed(message)
    assert vector[1] > 0.5


def test_a_provider_that_is_down_postpones_and_loses_nothing(tenant, engine, monkeypatch):
    message = make_message(text="minha entrega atrasou")
    jobs.want_embeddings([message.pk])

    def down(space, texts, **_within):
        raise engines.PlacingFailed("timeout")

    with monkeypatch.context() as broken:
        broken.setattr(engines, "place", down)
        assert filling.fill_queued() == 0
    job = EmbeddingJob.objects.get()
    assert job.not_before > timezone.now()
    assert job.claimed_until is None
    EmbeddingJob.objects.update(not_before=timezone.now())
    assert filling.fill_queued() == 1
    assert len(placed(message)) == 1


def test_old_messages_are_placed_newest_first_and_a_killed_walk_goes_on(tenant, engine):
    messages = [make_message(text=f"entrega {n}") for n in range(7)]
    space = spaces.ensure_active()
    assert filling.fill_older(space, 3)
    done = set(MessageEmbedding.objects.values_list("message_id", flat=True))
    assert done == {one.pk for one in messages[-3:]}
    # Another process goes on with what the row says; this one's stale copy changes nothing.
    again = EmbeddingModel.objects.get()
    while filling.fill_older(again, 3):
        again.refresh_from_db()
    assert MessageEmbedding.objects.count() == 7
    assert again.filled_down_to == 0
    filling.fill_older(space, 3)
    again.refresh_from_db()
    assert again.filled_down_to == 0


@pytest.mark.usefixtures("committed")
def test_workers_at_once_place_every_message_once(tenant, engine):
    with transaction.atomic():
        messages = [make_message(text=f"entrega {n}") for n in range(40)]
    spaces.ensure_active()
    jobs.want_embeddings([one.pk for one in messages])

    def work():
        with tenant_scope(tenant):
            while filling.fill_queued(5):
                pass
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert MessageEmbedding.objects.count() == 40
    assert not EmbeddingJob.objects.exists()
    assert sorted(text for _code, texts in engine for text in texts) == sorted(
        one.text for one in messages
    )


def test_a_lease_that_ended_is_taken_over_and_the_late_worker_stores_nothing(tenant, engine):
    message = make_message(text="minha entrega atrasou")
    jobs.want_embeddings([message.pk])
    late = jobs.claim()
    EmbeddingJob.objects.update(claimed_until=timezone.now() - jobs.LEASE)
    assert filling.fill_queued() == 1
    with transaction.atomic():
        assert jobs.finish(late) == set()
    assert len(placed(message)) == 1
