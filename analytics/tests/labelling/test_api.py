"""Corrections, the review and gold sets over the API."""

from analytics.labelling import drawing
from evosense.core.ids import uuid7
from messaging.models import Message
from messaging.services.judgements import MessageJudgement, store_judgements
from messaging.tests.factories import make_message
from tenancy.tests.factories import anonymous_client, make_api_key


def test_a_correction_by_key(tenant):
    message = make_message(text="hmm")
    head = {
        "HTTP_AUTHORIZATION": f"Bearer {make_api_key(scopes=('analysis:write',))}",
        "content_type": "application/json",
    }
    client = anonymous_client()
    path = f"/api/v1/messages/{message.public_id}/correction"
    assert client.post(path, {"sentiment": -1}, **head).status_code == 409
    store_judgements(
        [MessageJudgement(message.pk, 0.5, "alegria", 70, "cordial", "", 0.5, "embedded")]
    )
    answer = client.post(path, {"sentiment": -1, "emotion": "raiva"}, **head)
    assert answer.status_code == 200, answer.content
    assert answer.json()["judged_by"] == "person"
    assert Message.objects.get(pk=message.pk).satisfaction == 70
    refused = [({"sentiment": value}, "sentiment") for value in (2, True, False, "nan", None)]
    for body, field in (
        *refused,
        ({"satisfaction": True}, "satisfaction"),
        ({"mood": 1}, "mood"),
        ({}, "sentiment"),
    ):
        wrong = client.post(path, body, **head)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, field)
    unknown = client.post(f"/api/v1/messages/{uuid7()}/correction", {"sentiment": 1}, **head)
    assert unknown.status_code == 404


def test_the_state_of_the_review(tenant):
    drawing.ask_about([make_message().pk], stratum="asked")
    head = {
        "HTTP_AUTHORIZATION": f"Bearer {make_api_key(scopes=('analysis:read', 'experiments:read'))}"
    }
    client = anonymous_client()
    state = client.get("/api/v1/analysis/review", **head).json()
    assert (state["open"], state["alpha_sentiment"]) == (1, None)
    assert client.get("/api/v1/gold-sets", **head).json() == {"results": [], "next": None}
