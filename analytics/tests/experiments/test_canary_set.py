"""Known messages judged every night, and the languages that customers write in."""

import datetime as dt

import pytest

from analytics.analysis.items import ArmSpec
from analytics.analysis.production import Judge, live_mark
from analytics.experiments import canary_set, languages
from analytics.models import AiNotice, DriftReading
from analytics.tests.experiments.factories import judgement, make_gold, make_messages
from evosense.core.ids import uuid7

NIGHT = dt.date(2026, 3, 10)
VALUES = [(0.8 if place % 2 else -0.8, "neutro", 50) for place in range(60)]


@pytest.fixture
def nights(tenant, monkeypatch):
    """Return a function that lets one night pass in which so many are read right."""
    gold = make_gold(make_messages(60), VALUES, name="ouro")
    arm = ArmSpec("provider", provider_id=uuid7(), model="m-1")
    monkeypatch.setattr(canary_set, "production_judge", lambda: Judge(arm, live_mark("h", "m-1")))
    wanted = {one.message_id: one.sentiment for one in gold.items.all()}
    told = {}

    def preview(items, asked, *, is_fresh):
        assert (asked, is_fresh, len(items)) == (arm, True, canary_set.SIZE)
        return [
            judgement(
                item.message_id,
                wanted[item.message_id] if place < told["right"] else 0.0,
                status="ok" if place < told["answers"] else "timeout",
            )
            for place, item in enumerate(items)
        ]

    monkeypatch.setattr(canary_set, "preview_items", preview)

    def night(number, right, answers=50):
        told.update(right=right, answers=answers)
        return canary_set.watch(NIGHT + dt.timedelta(days=number))

    return night


def test_a_drop_that_chance_does_not_explain_is_told_once_and_ends(nights):
    for number in range(5):
        assert nights(number, 46).state == "ok"
    # One night in ten has as few: chance.
    assert nights(5, 43).state == "ok"
    fallen = nights(6, 35)
    assert (fallen.state, fallen.figures["right"], fallen.figures["of"]) == ("alert", 35, 50)
    nights(7, 34)
    notice = AiNotice.objects.get()
    assert (notice.kind, notice.subject) == ("drift", "m-1 · ouro")
    assert DriftReading.objects.filter(state="alert").count() == 2
    assert nights(8, 46).state == "ok"
    assert not AiNotice.objects.filter(closed_at=None).exists()
    nights(8, 46)
    assert DriftReading.objects.count() == 9


def test_a_night_without_answers_says_nothing(nights):
    assert nights(0, 29, answers=29) is None
    assert not DriftReading.objects.exists()


def test_without_a_provider_or_a_set_nobody_is_asked(tenant):
    assert canary_set.watch(NIGHT) is None


def test_chance_is_exact():
    assert canary_set.is_chance(0, 1, 0.5)
    assert not canary_set.is_chance(0, 7, 0.5)
    assert canary_set.is_chance(0, 6, 0.5)
    assert not canary_set.is_chance(49, 50, 1.0)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Oi, você tem previsão? não chegou", "pt"),
        ("Hola, buenos días, el pedido no llegó", "es"),
        ("hello, where is my order? it is not here", "en"),
        ("Ok 👍", ""),
        ("", ""),
        ("para", ""),
    ],
)
def test_small_words_vote(text, language):
    assert languages.language_of(text) == language


def test_a_mix_is_of_the_period_and_moves(tenant):
    moment = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
    for text in ("você não sabe", "hola, muy bien", "ok"):
        message = make_messages(1, text=text, occurred_at=moment)[0]
        judgement(message.pk, 0.1).save()
    hour = dt.timedelta(hours=1)
    found = languages.mix(moment - hour, moment + hour)
    assert found == {"pt": 0.5, "es": 0.5}
    assert languages.mix(moment + hour, moment + 2 * hour) == {}
    assert languages.moved(found, {"pt": 1.0})
    assert not languages.moved(found, {"pt": 0.55, "es": 0.45})
