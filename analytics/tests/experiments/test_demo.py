import pytest
from django.utils import timezone

from analytics.experiments import demo
from analytics.models import ExperimentRun, GoldItem, PromptTemplate, ReviewItem
from messaging.simulator.dice import Dice
from messaging.simulator.phrasebook import Speaker, book
from messaging.tests.factories import make_conversation, make_message


def said(lines, die):
    return Speaker(book(demo.VERTICAL), die, {"agent": "Bia", "name": "Ana", "o": "a"}).say(lines)


def test_what_the_simulator_says_in_a_mood_is_known_by_its_mood():
    die, known = Dice(1), demo.phrases()
    for name, mood in book(demo.VERTICAL).moods.items():
        found = [demo.truth_of(said(mood.say, die), known) for _ in range(20)]
        meant = [one[1] for one in found if one]
        assert len(meant) >= 10
        assert set(meant) == {demo.MOODS[name]}


@pytest.mark.parametrize("text", ["", "👍", "Quanto custa o frete?", "ok, mas está um absurdo"])
def test_what_nobody_wrote_in_a_mood_has_no_label(text):
    assert demo.truth_of(text, demo.phrases()) is None


@pytest.mark.usefixtures("tenant")
def test_the_demonstration_ends_with_two_finished_experiments():
    die = Dice(2)
    talks = [make_conversation() for _ in range(6)]
    for place, mood in enumerate(list(book(demo.VERTICAL).moods.values()) * 8):
        make_message(talks[place % 6], text=said(mood.say, die), occurred_at=timezone.now())
    facts = demo.ensure()
    assert facts["labels"] >= 20
    assert facts == demo.ensure()
    gold, past = ExperimentRun.objects.order_by("pk")
    assert (gold.status, past.status) == ("completed", "completed")
    assert (gold.report["kind"], past.report["kind"]) == ("quality", "agreement")
    assert GoldItem.objects.count() == facts["labels"]
    assert ReviewItem.objects.filter(run_id=past.run_id).exists()
    assert PromptTemplate.objects.count() == 4


@pytest.mark.usefixtures("tenant")
def test_a_company_without_messages_gets_no_labels_and_no_error():
    assert demo.ensure()["labels"] == 0
