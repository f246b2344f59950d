from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from analytics.experiments import demo, demo_drift, drift
from analytics.models import (
    AiNotice,
    AnalysisJob,
    DriftReading,
    ExperimentRun,
    GoldItem,
    PromptTemplate,
    ReviewItem,
)
from analytics.prompting import demo as prompts
from analytics.prompting import reading
from analytics.prompting.versions import Author
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
    assert PromptTemplate.objects.count() == 6


@pytest.mark.usefixtures("tenant")
def test_a_prompt_has_versions_of_three_authors_and_labels_that_moved():
    people = [Author(7, "Helena"), Author(8, "Marina")]
    for _ in range(2):
        prompts.ensure(Author(None, "EvoSense"), people)
    written = PromptTemplate.objects.filter(name=prompts.NAME).order_by("number")
    assert [one.created_by for one in written] == ["EvoSense", "Helena", "Marina"]
    labels = {one.label: one.number for one in reading.labels_of([prompts.NAME])[prompts.NAME]}
    assert labels == {"production": 2, "staging": 3}
    moves = [(one.label, one.actor_name) for one in reading.moves(prompts.NAME)]
    assert len(moves) == 4
    assert ("production", "Helena") in moves
    for before, after in pairwise(written):
        kinds = [line.kind for line in reading.difference(before.body, after.body)]
        assert 1 <= kinds.count("added") <= 4
        assert kinds.count("same") > 15


@pytest.mark.usefixtures("tenant")
def test_the_demonstration_drifts(monkeypatch):
    monkeypatch.setattr(drift, "FEWEST_MESSAGES", 20)
    monkeypatch.setattr(demo_drift, "DAYS", 2)
    die, moods = Dice(3), book(demo.VERTICAL).moods
    noon = timezone.localtime().replace(hour=12)
    talk = make_conversation()
    steady = ("happy", "neutral", "thankful", "neutral", "annoyed")
    for back in range(1, 30):
        for place in range(5):
            mood = "furious" if back < 3 else steady[place]
            at = noon - timedelta(days=back)
            make_message(talk, text=said(moods[mood].say, die), occurred_at=at)
    assert demo_drift.ensure() == 2
    assert demo_drift.ensure() == 0
    assert DriftReading.objects.order_by("day").last().state == "alert"
    assert AiNotice.objects.filter(kind="drift", closed_at=None).count() == 1


@pytest.mark.usefixtures("tenant")
def test_nothing_is_read_while_messages_wait(monkeypatch):
    monkeypatch.setattr(demo_drift, "PATIENCE_SECONDS", 0)
    make_message(text="cadê meu pedido?", occurred_at=timezone.now() - timedelta(days=3))
    assert demo_drift.ensure() == 0
    assert AnalysisJob.objects.exists()


@pytest.mark.usefixtures("tenant")
def test_a_company_without_messages_gets_no_labels_and_no_error():
    assert demo.ensure()["labels"] == 0
