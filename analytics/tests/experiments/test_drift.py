import datetime as dt

import pytest
from django.utils import timezone

from analytics.experiments import drift
from analytics.models import AiNotice, DriftReading, Inference
from analytics.tests.experiments.factories import judgement, make_messages

pytestmark = pytest.mark.usefixtures("tenant")
DAY = dt.date(2025, 11, 20)


def judged_on(day, sentiments, *, text=""):
    at = dt.datetime.combine(day, dt.time(12), timezone.get_current_timezone())
    over = {"text": text} if text else {}
    messages = make_messages(len(sentiments), occurred_at=at, **over)
    made = [
        judgement(message.pk, value, emotion="raiva" if value < 0 else "neutro")
        for message, value in zip(messages, sentiments, strict=True)
    ]
    Inference.objects.bulk_create(made)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(drift, "FEWEST_MESSAGES", 40)


def test_a_day_like_the_weeks_before_is_steady():
    judged_on(DAY - dt.timedelta(days=3), [0.0, 0.5, -0.5, 1.0] * 15)
    judged_on(DAY, [0.0, 0.5, -0.5, 1.0] * 12)
    (reading,) = drift.watch(DAY)
    assert reading.state == "ok"
    assert reading.psi_sentiment == pytest.approx(0, abs=1e-9)
    assert not AiNotice.objects.exists()


def test_a_day_that_moved_is_told_once_with_its_likely_cause():
    judged_on(DAY - dt.timedelta(days=3), [0.5] * 60, text="mensagem de sempre")
    judged_on(DAY, [-0.8] * 48, text="mensagem de sempre")
    (reading,) = drift.watch(DAY)
    assert (reading.state, reading.figures["cause"]) == ("alert", "analyser")
    assert reading.figures["shift"] is None or reading.figures["shift"] < 0
    drift.watch(DAY)
    assert AiNotice.objects.get().detail["cause"] == "analyser"
    assert DriftReading.objects.count() == 1


def test_other_texts_are_named_as_the_cause():
    judged_on(DAY - dt.timedelta(days=3), [0.5] * 60, text="ok")
    judged_on(DAY, [-0.8] * 48, text="uma reclamação bem comprida sobre a entrega " * 6)
    (reading,) = drift.watch(DAY)
    assert reading.figures["cause"] == "input"


def test_the_notice_is_closed_when_it_is_over():
    AiNotice.objects.create(kind="drift", subject="embedded-pt-2")
    judged_on(DAY - dt.timedelta(days=3), [0.0, 0.5] * 30)
    judged_on(DAY, [0.0, 0.5] * 24)
    drift.watch(DAY)
    assert AiNotice.objects.get().closed_at is not None


def test_too_few_messages_say_nothing():
    judged_on(DAY - dt.timedelta(days=3), [0.0] * 60)
    judged_on(DAY, [1.0] * 10)
    (reading,) = drift.watch(DAY)
    assert reading.state == "too_few"
    assert reading.psi_sentiment is None


def test_a_day_of_few_messages_is_read_with_its_week():
    for back in range(7, 35, 3):
        judged_on(DAY - dt.timedelta(days=back), [0.0, 0.5, -0.5, 1.0] * 5)
    for back in range(7):
        judged_on(DAY - dt.timedelta(days=back), [-0.9] * 8)
    (reading,) = drift.watch(DAY)
    assert (reading.state, reading.messages, reading.figures["days"]) == ("alert", 56, 7)


def test_a_day_with_enough_speaks_for_itself():
    judged_on(DAY - dt.timedelta(days=3), [0.0, 0.5] * 30)
    judged_on(DAY, [0.0, 0.5] * 24)
    (reading,) = drift.watch(DAY)
    assert (reading.messages, reading.figures["days"]) == (48, 1)


def test_a_judgement_belongs_to_the_day_of_its_message():
    judged_on(DAY - dt.timedelta(days=3), [0.0, 0.5] * 30)
    judged_on(DAY, [0.0, 0.5] * 24)
    Inference.objects.update(created_at=timezone.now())
    assert drift.watch(timezone.localdate()) == []
    assert [one.state for one in drift.watch(DAY)] == ["ok"]


def test_shadows_are_not_part_of_it():
    judged_on(DAY, [1.0] * 45)
    Inference.objects.update(is_shadow=True)
    assert drift.watch(DAY) == []


@pytest.mark.parametrize(("psi", "state"), [(0.05, "ok"), (0.2, "watch"), (0.3, "alert")])
def test_states_follow_the_thresholds(psi, state):
    assert drift.state_of(None, psi) == state
