"""Analyses of messages as the API shows and filters them."""

import pytest

from messaging.selectors import judged
from messaging.selectors.judged import Told
from messaging.tests.factories import make_conversation, make_message

GLAD = {
    "sentiment": 0.6,
    "emotion": "gratidao",
    "satisfaction": 88,
    "tone": "cordial",
    "summary": "Agradece a entrega.",
    "confidence": 0.9,
    "judged_by": "provider",
}
ANGRY = {
    "sentiment": -0.8,
    "emotion": "raiva",
    "satisfaction": 0,
    "tone": "agressivo",
    "confidence": 0.7,
    "judged_by": "embedded",
}
FLAT = {
    "sentiment": 0.0,
    "emotion": "neutro",
    "satisfaction": 50,
    "tone": "neutro",
    "confidence": 0.2,
    "judged_by": "embedded",
}


@pytest.fixture
def told(monkeypatch):
    """Let the test say what is known besides the values, instead of analytics."""
    known = {}
    lookups = [lambda keys: {key: known[key] for key in keys if key in known}]
    monkeypatch.setattr(judged, "_lookup", lookups)
    return known


def shown(api, message):
    return api().get(f"messages/{message.public_id}").json()["analysis"]


def found(api, **filters):
    answer = api().get("messages", **filters)
    assert answer.status_code == 200, answer.content
    return {row["text"] for row in answer.json()["results"]}


def test_a_judged_message_shows_its_values_and_who_judged(api, told):
    message = make_message(**GLAD)
    told[message.pk] = Told(model="modelo-1", prompt_version="atendimento@3")
    assert shown(api, message) == {
        "status": "done",
        "sentiment": 0.6,
        "emotion": "gratidao",
        "satisfaction": 88,
        "tone": "cordial",
        "summary": "Agradece a entrega.",
        "confidence": 0.9,
        "model": "modelo-1",
        "prompt_version": "atendimento@3",
    }


@pytest.mark.parametrize("waits", ["pending", "deferred", "failed"])
def test_what_waits_says_so(api, told, waits):
    message = make_message()
    told[message.pk] = Told(waits=waits)
    analysis = shown(api, message)
    assert analysis["status"] == waits
    assert analysis["sentiment"] is None


def test_deferred_values_are_those_of_the_stand_in(api, told):
    message = make_message(**ANGRY | {"judged_by": "degraded"})
    told[message.pk] = Told(waits="deferred", model="embedded-pt-2")
    analysis = shown(api, message)
    assert (analysis["status"], analysis["sentiment"]) == ("deferred", -0.8)
    assert analysis["model"] == "embedded-pt-2"


def test_what_a_person_said_is_done_and_has_no_model(api, told):
    message = make_message(**GLAD | {"judged_by": "person", "confidence": 1.0})
    told[message.pk] = Told(waits="pending", model="modelo-1")
    analysis = shown(api, message)
    assert (analysis["status"], analysis["model"]) == ("done", None)


def test_a_message_nobody_looked_at_has_none(api, told):
    assert shown(api, make_message())["status"] == "none"


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"emotion": "gratidao"}, {"obrigada"}),
        ({"tone": "agressivo"}, {"absurdo"}),
        ({"tone": "ironico"}, set()),
        ({"sentiment_min": "-1"}, {"obrigada", "absurdo", "ok"}),
        ({"sentiment_min": "0"}, {"obrigada", "ok"}),
        ({"sentiment_max": "0"}, {"absurdo", "ok"}),
        ({"sentiment_min": "-0.1", "sentiment_max": "0.1"}, {"ok"}),
        ({"satisfaction_max": "0"}, {"absurdo"}),
        ({"satisfaction_min": "50"}, {"obrigada", "ok"}),
        ({"emotion": "raiva", "satisfaction_min": "1"}, set()),
    ],
)
def test_lists_are_narrowed_by_what_was_found_out(api, told, filters, texts):
    talk = make_conversation()
    make_message(talk, text="obrigada", **GLAD)
    make_message(talk, text="absurdo", **ANGRY)
    make_message(talk, text="ok", **FLAT)
    make_message(talk, text="ainda ninguém leu")
    assert found(api, **filters) == texts


@pytest.mark.parametrize(
    ("field", "value"), [("sentiment_min", "-2"), ("satisfaction_max", "101"), ("emotions", "x")]
)
def test_bad_bounds_are_refused(api, field, value):
    assert api().get("messages", **{field: value}).status_code == 400


def test_the_list_costs_the_same_whatever_was_judged(api, count_queries):
    client, talk = api(), make_conversation()
    make_message(talk, **GLAD)
    client.get("messages")
    with count_queries() as few:
        client.get("messages")
    for _ in range(6):
        make_message(talk, **ANGRY)
    with count_queries() as many:
        client.get("messages")
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize(
    ("sentiment", "confidence", "level"),
    [(-0.9, 0.8, 1), (-0.2, 0.8, 2), (0.0, 0.8, 3), (0.3, 0.8, 4), (0.9, 0.8, 5), (0.9, 0.2, None)],
)
def test_faces_follow_the_sentiment_where_it_is_sure(tenant, sentiment, confidence, level):
    message = make_message(**GLAD | {"sentiment": sentiment, "confidence": confidence})
    assert judged.face_of(message) == level
