"""The middle of what customers write: it stays where it is by chance, and turns with its topic."""

import datetime as dt

import numpy as np
import pytest
from django.utils import timezone

from analytics.experiments import centroid, drift
from analytics.models import AiNotice, EmbeddingModel, Inference, MessageEmbedding
from analytics.tests.experiments.factories import judgement, make_messages

DAY = dt.date(2025, 11, 20)
SIZE = 768


def texts_near(topic, count, seed, *, shared=0.0):
    """Unit vectors around a topic, as wide as those of the embedded space; `shared` by all texts.

    In a space of a provider all texts share much, and topics differ in what is left.
    """
    dice = np.random.default_rng(seed)
    noise = dice.normal(size=(count, SIZE))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    rows = 0.25 * topic + (1 - 0.25**2) ** 0.5 * noise
    rows = shared * axis(9) + (1 - shared**2) ** 0.5 * rows
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def axis(place):
    found = np.zeros(SIZE)
    found[place] = 1.0
    return found


def middle(rows):
    return centroid.Middle(rows.mean(axis=0), len(rows))


def test_few_texts_of_one_topic_are_not_far_from_many():
    found = [
        centroid.turned(
            middle(texts_near(axis(0), 300, seed)), middle(texts_near(axis(0), 2_000, 90 + seed))
        )
        for seed in range(8)
    ]
    assert max(one.distance for one in found) < 0.03
    assert {one.state for one in found} == {"ok"}


@pytest.mark.parametrize(("other", "state"), [(0.05, "ok"), (0.3, "watch"), (0.6, "alert")])
@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_the_more_is_about_something_else_the_worse(other, state, shared):
    def rows(topic, count, seed):
        return texts_near(topic, count, seed, shared=shared)

    many = round(1_000 * other)
    now = np.concatenate([rows(axis(0), 1_000 - many, 1), rows(axis(1), many, 2)])
    assert centroid.turned(middle(now), middle(rows(axis(0), 2_000, 3))).state == state


def test_texts_without_anything_in_common_have_no_middle():
    rows = texts_near(axis(0), 4, 1)
    apart = centroid.Middle(np.zeros(SIZE), 4)
    assert centroid.turned(apart, middle(rows)) is None


def placed(space, day, topic, count, seed):
    at = dt.datetime.combine(day, dt.time(12), timezone.get_current_timezone())
    messages = make_messages(count, text="mensagem de sempre", occurred_at=at)
    MessageEmbedding.objects.bulk_create(
        MessageEmbedding(model=space, message=message, embedding=vector.tolist())
        for message, vector in zip(messages, texts_near(topic, count, seed), strict=True)
    )
    values = [0.0, 0.5, -0.5, 1.0]
    Inference.objects.bulk_create(
        judgement(message.pk, values[place % 4]) for place, message in enumerate(messages)
    )


@pytest.fixture
def space(tenant, monkeypatch):
    monkeypatch.setattr(drift, "FEWEST_MESSAGES", 100)
    monkeypatch.setattr(centroid, "FEWEST", 100)
    return EmbeddingModel.objects.create(pk=1, code="embed-use-1", state="active")


def test_a_new_topic_is_told_though_judgements_are_the_same(space):
    placed(space, DAY - dt.timedelta(days=10), axis(0), 200, 1)
    placed(space, DAY, axis(1), 120, 2)
    (reading,) = drift.watch(DAY)
    assert reading.psi_sentiment == pytest.approx(0, abs=1e-9)
    assert reading.figures["centroid"] > 0.5
    assert (reading.state, reading.figures["cause"], reading.figures["judged"]) == (
        "alert",
        "input",
        "ok",
    )
    assert AiNotice.objects.get().detail["cause"] == "input"


def test_the_same_topic_is_steady(space):
    placed(space, DAY - dt.timedelta(days=10), axis(0), 200, 1)
    placed(space, DAY, axis(0), 120, 2)
    (reading,) = drift.watch(DAY)
    assert reading.state == "ok"
    assert reading.figures["centroid"] < 0.2


def test_too_few_places_say_nothing(space):
    placed(space, DAY - dt.timedelta(days=10), axis(0), 200, 1)
    placed(space, DAY, axis(1), 120, 2)
    EmbeddingModel.objects.update(state="retired")
    (reading,) = drift.watch(DAY)
    assert (reading.state, reading.figures["centroid"]) == ("ok", None)


def test_of_many_messages_some_are_looked_at_from_the_whole_period(space, monkeypatch):
    monkeypatch.setattr(centroid, "MOST", 40)
    monkeypatch.setattr(centroid, "FEWEST", 10)
    for back in range(7):
        placed(space, DAY - dt.timedelta(days=back), axis(0), 60, back)
    zone = timezone.get_current_timezone()
    week = (
        dt.datetime.combine(DAY - dt.timedelta(days=6), dt.time(), zone),
        dt.datetime.combine(DAY + dt.timedelta(days=1), dt.time(), zone),
    )
    drawn = centroid._drawn(*week)
    assert 20 <= len(drawn) <= 40
    assert drawn == centroid._drawn(*week)
    days = {one.occurred_at.astimezone(zone).date() for one in messages(drawn)}
    assert len(days) == 7


def messages(pks):
    from messaging.models import Message

    return Message.objects.filter(pk__in=pks)
