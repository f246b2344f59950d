import numpy as np
import pytest

from analytics.experiments.gate import gate_of
from analytics.experiments.report import compute_report
from analytics.models import Label
from analytics.tests.experiments.factories import freeze, judged, make_gold, make_messages, make_run

pytestmark = pytest.mark.usefixtures("tenant")
WORDS = (-1.0, -0.5, 0.0, 0.5, 1.0)
EMOTIONS = ("raiva", "frustracao", "neutro", "gratidao", "alegria")


def gold_run(items=60, *, wrong=(20, 4)):
    """A run where the sides misread the first so many messages of the set."""
    messages = make_messages(items, talks=10)
    truth = [(WORDS[i % 5], EMOTIONS[i % 5], 20 * (i % 5) + 10) for i in range(items)]
    run = make_run(
        mode="gold", gold_set=make_gold(messages, truth), status="completed",
        sample={"planned": 50, "size": items},
    )  # fmt: skip
    freeze(run, messages)
    for place, message in enumerate(messages):
        for key, misread in zip(("baseline", "candidate-1"), wrong, strict=True):
            sentiment, emotion, satisfaction = truth[place]
            if place < misread:
                sentiment, emotion = -sentiment or 0.7, "surpresa"
            judged(run, key, message, sentiment, emotion=emotion, satisfaction=satisfaction)
    return run


def lines_of(run):
    report = compute_report(run)
    return report, {line["key"]: line for line in report["compared"]["candidate-1"]["lines"]}


def test_people_say_who_is_right_and_by_how_much():
    run = gold_run()
    report, lines = lines_of(run)
    assert report["kind"] == "quality"
    assert (report["n"], report["conversations"]) == (60, 10)
    accuracy = lines["sentiment_accuracy"]
    assert accuracy["baseline"] == pytest.approx(40 / 60)
    assert accuracy["candidate"] == pytest.approx(56 / 60)
    assert accuracy["diff"] == pytest.approx(16 / 60)
    assert 0 < accuracy["low"] < accuracy["diff"] < accuracy["high"]
    assert accuracy["is_primary"]
    assert "holm" not in accuracy
    assert accuracy["reading"] == "better"
    assert lines["sentiment_mae"]["reading"] == "better"
    assert lines["sentiment_mae"]["diff"] < 0
    assert lines["sentiment_mae"]["holm"] >= lines["sentiment_mae"]["p"]
    assert lines["satisfaction_kappa"]["reading"] == "same"
    pairs = report["compared"]["candidate-1"]["pairs"]
    assert (pairs["baseline_right"], pairs["candidate_right"]) == (0, 16)
    assert pairs["differ"] == 16
    matrix = np.array(report["confusion"]["candidate-1"]["counts"])
    assert matrix.sum() == 60
    assert np.trace(matrix) == 56


def test_the_report_is_the_same_every_time():
    run = gold_run(30, wrong=(9, 3))
    first, second = compute_report(run), compute_report(run)
    assert first["compared"] == second["compared"]


def test_the_gate_opens_for_a_better_candidate():
    run = gold_run()
    run.report = compute_report(run)
    gate = gate_of(run, "candidate-1")
    assert [one.key for one in gate.conditions if not one.holds] == []
    assert gate.is_open


def test_the_gate_shuts_for_a_worse_or_unproven_one():
    run = gold_run(40, wrong=(2, 12))
    run.report = compute_report(run)
    gate = gate_of(run, "candidate-1")
    shut = {one.key for one in gate.conditions if not one.holds}
    assert {"size", "primary", "flips"} <= shut


def test_without_people_it_is_agreement_and_never_quality():
    messages = make_messages(20)
    run = make_run()
    freeze(run, messages)
    for place, message in enumerate(messages):
        judged(run, "baseline", message, 0.8)
        judged(run, "candidate-1", message, -0.8 if place < 4 else 0.8)
    report, lines = lines_of(run)
    assert report["kind"] == "agreement"
    assert lines["sentiment_accuracy"]["candidate"] == pytest.approx(0.8)
    assert lines["sentiment_accuracy"]["baseline"] is None
    assert lines["sentiment_accuracy"]["reading"] == "none"
    run.report = report
    primary = next(one for one in gate_of(run, "candidate-1").conditions if one.key == "primary")
    assert (primary.holds, primary.facts["why"]) == (False, "no_labels")


def test_people_who_looked_at_the_disagreements_decide_by_mcnemar():
    messages = make_messages(20)
    run = make_run()
    freeze(run, messages)
    for place, message in enumerate(messages):
        judged(run, "baseline", message, 0.8)
        judged(run, "candidate-1", message, -0.5 if place < 12 else 0.8)
    for message in messages[:12]:
        Label.objects.create(message=message, source="review", user_id=1, sentiment=-0.5)
    # Seen beside the analyser's value: does not count.
    Label.objects.create(message=messages[15], source="thread", user_id=1, sentiment=-1)
    report, _lines = lines_of(run)
    pairs = report["compared"]["candidate-1"]["pairs"]
    assert (pairs["labelled"], pairs["candidate_right"], pairs["baseline_right"]) == (12, 12, 0)
    assert pairs["mid"] < 0.001
    run.report = report
    primary = next(one for one in gate_of(run, "candidate-1").conditions if one.key == "primary")
    assert primary.holds


def test_invalid_answers_and_stand_ins_count_against_their_side():
    messages = make_messages(20)
    run = make_run()
    freeze(run, messages)
    for place, message in enumerate(messages):
        judged(run, "baseline", message, 0.5)
        status = {0: {"status": "invalid"}, 1: {"is_degraded": True}}.get(place, {})
        judged(run, "candidate-1", message, 0.5, **status)
    report, lines = lines_of(run)
    side = report["sides"]["candidate-1"]
    assert side["invalid"] == pytest.approx(0.1)
    assert side["statuses"] == {"ok": 18, "invalid": 1, "error": 1}
    assert lines["sentiment_accuracy"]["n"] == 18
    run.report = report
    shut = {one.key for one in gate_of(run, "candidate-1").conditions if not one.holds}
    assert "invalid" in shut


def test_time_and_money_are_compared():
    messages = make_messages(40)
    run = make_run(budget_micros=10)
    freeze(run, messages)
    for place, message in enumerate(messages):
        judged(run, "baseline", message, 0.5, latency_ms=100 + place, cost_micros=200)
        judged(run, "candidate-1", message, 0.5, latency_ms=300 + place, cost_micros=100)
    report, lines = lines_of(run)
    assert lines["cost"]["diff"] == pytest.approx(-0.5)
    assert lines["cost"]["baseline"] == pytest.approx(200_000)
    assert lines["latency_p95"]["diff"] == pytest.approx(200)
    assert not lines["latency_p95"]["is_tolerable"]
    run.report = report
    run.spent_micros = 11
    shut = {one.key for one in gate_of(run, "candidate-1").conditions if not one.holds}
    assert {"slowness", "money"} <= shut


def test_a_run_without_results_is_compared_without_failing():
    run = make_run()
    report = compute_report(run)
    assert report["n"] == 0
    assert not gate_of(run, "candidate-1").is_open
    run.report = report
    assert not gate_of(run, "candidate-1").is_open
