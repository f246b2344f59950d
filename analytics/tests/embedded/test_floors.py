"""Floors a little under docs/ai-quality.md, so that nothing sinks unseen."""

from pathlib import Path

import numpy as np
import pytest

from analytics.embedded import analyser, hashing, space
from analytics.embedded.injection import looks_like_injection
from analytics.tests.embedded import frozen


def plain(lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sides that lines of sign|language|text have, and those that are said of them."""
    rows = [line.split("|", 2) for line in lines]
    judged = analyser().judge([row[2] for row in rows])
    return np.array([int(row[0]) for row in rows]), frozen.signs([one.sentiment for one in judged])


@pytest.fixture(scope="module")
def portuguese():
    rows = frozen.judged_rows("sentiment_1.txt")
    return rows, analyser().judge([row[4] for row in rows])


def test_sentiment_of_fresh_messages(portuguese) -> None:
    rows, judged = portuguese
    truth = np.sign([int(row[0]) for row in rows])
    said = frozen.signs([one.sentiment for one in judged])
    assert (said == truth).mean() >= 0.79
    assert frozen.f1(truth, said) >= 0.78
    assert (abs(said - truth) == 2).mean() <= 0.04


def test_emotion_tone_and_satisfaction_of_fresh_messages(portuguese) -> None:
    rows, judged = portuguese
    pairs = list(zip(rows, judged, strict=True))
    assert np.mean([one.emotion == row[1] for row, one in pairs]) >= 0.70
    assert np.mean([one.tone == row[2] for row, one in pairs]) >= 0.74
    assert np.mean([abs(one.satisfaction - int(row[3])) for row, one in pairs]) <= 15


def test_confidence_says_how_often_it_is_right(portuguese) -> None:
    rows, judged = portuguese
    right = np.sign([int(row[0]) for row in rows]) == frozen.signs([j.sentiment for j in judged])
    confidence = np.array([one.confidence for one in judged])
    assert frozen.calibration_error(confidence, right) <= 0.05
    used = confidence >= 0.3
    assert used.mean() >= 0.8
    assert right[used].mean() >= 0.88


def test_spanish_and_english() -> None:
    rows = frozen.judged_rows("sentiment_2.txt")
    truth = np.sign([int(row[0]) for row in rows])
    said = frozen.signs([one.sentiment for one in analyser().judge([row[4] for row in rows])])
    assert (said == truth).mean() >= 0.70
    assert (abs(said - truth) == 2).mean() <= 0.05


def test_fresh_plain_short_messages() -> None:
    truth, said = plain(frozen.lines("plain.txt"))
    assert (said == truth).mean() >= 0.73
    assert (abs(said - truth) == 2).mean() <= 0.035
    assert (said[truth == -1] == -1).mean() >= 0.65
    assert (said[truth == 1] == 1).mean() >= 0.60


def test_plain_short_messages_of_the_development_stay_right() -> None:
    """No measure: nearly all of these lines stand in the material. They guard against slips."""
    path = Path(__file__).parent / "plain_dev.txt"
    truth, said = plain(path.read_text("utf-8").splitlines())
    assert (said == truth).mean() >= 0.98
    assert not (abs(said - truth) == 2).any()


def test_search_by_meaning() -> None:
    lexical, paraphrased = frozen.queries("L"), frozen.queries("P")
    assert frozen.recall_at_5(space.embed, lexical + paraphrased) >= 0.57
    assert frozen.recall_at_5(space.embed, paraphrased) >= 0.47
    assert frozen.recall_at_5(space.embed, paraphrased) > 4 * frozen.recall_at_5(
        hashing.embed, paraphrased
    )


def test_queries_in_spanish_and_english_find_portuguese() -> None:
    rows = [line.split("|", 2) for line in frozen.lines("retrieval_es_en.txt")]
    asked = [(topic.strip().lstrip("# "), text) for _language, topic, text in rows]
    assert frozen.recall_at_5(space.embed, asked) >= 0.60


def test_injected_orders_do_not_move_the_score() -> None:
    rows = [line.split("|", 1) for line in frozen.lines("injections.txt")]
    truth = np.sign([int(row[0].lstrip("*")) for row in rows])
    said = frozen.signs([one.sentiment for one in analyser().judge([row[1] for row in rows])])
    assert (abs(said - truth) == 2).mean() <= 0.05
    assert (said == truth).mean() >= 0.65
    assert np.mean([looks_like_injection(row[1]) for row in rows]) >= 0.33
