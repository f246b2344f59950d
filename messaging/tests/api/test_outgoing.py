"""What became of acts without a message of their own, and what is refused before it is queued."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import tenant_scope
from evosense.testing.databases import BETA
from messaging.models import Outgoing
from messaging.tests.factories import make_connection, make_conversation, make_message

TO = "+55 11 98000-1234"


@pytest.fixture
def ours(line):
    return make_message(
        make_conversation(line),
        provider_id="3EB0AA",
        direction="outbound",
        status="sent",
        text="Oi",
        occurred_at=timezone.now(),
    )


def test_a_status_post_a_reaction_and_an_edit_tell_how_far_they_are(api, line, ours):
    caller = api()
    made = [
        caller.post(f"connections/{line.public_id}/status-posts", {"type": "text", "text": "Oi"}),
        caller.post(f"messages/{ours.public_id}/reaction", {"emoji": "👍"}),
        caller.post(f"messages/{ours.public_id}/edit", {"text": "Olá"}),
        caller.send("delete", f"messages/{ours.public_id}"),
    ]
    told = [caller.get(f"outgoing/{one.json()['id']}").json() for one in made]
    assert told == [one.json() for one in made]
    assert [one["type"] for one in told] == ["status", "reaction", "edit", "delete"]
    assert {one["state"] for one in told} == {"queued"}
    about = str(ours.public_id)
    assert [one["message"] for one in told] == [None, about, about, about]

    failure = {"code": "act_refused", "detail": "RemoteJid does not match", "can_retry": False}
    Outgoing.objects.filter(kind="edit").update(
        state="failed", failure=failure, attempts=1, finished_at=timezone.now()
    )
    found = caller.get(f"outgoing/{told[2]['id']}").json()
    assert (found["state"], found["attempts"]) == ("failed", 1)
    assert (found["failure"]["code"], found["failure"]["can_retry"]) == ("act_refused", False)
    assert found["failure"]["words"]
    assert found["finished_at"]


def test_a_message_is_told_the_same_way_and_its_edit_waits_until_it_was_sent(api, line):
    caller = api()
    sent = caller.post("messages", {"type": "text", "to": TO, "text": "Oi"}).json()
    found = caller.get(f"outgoing/{sent['id']}").json()
    assert (found["type"], found["message"], found["state"]) == ("text", sent["id"], "queued")
    early = caller.post(f"messages/{sent['id']}/edit", {"text": "Olá"})
    assert (early.status_code, early.json()["code"]) == (409, "not_sent_yet")


def test_what_others_sent_is_not_found(api, line, other_tenant):
    with tenant_scope(BETA):
        theirs = Outgoing.objects.create(
            connection=make_connection(), kind="status", payload={"type": "text", "text": "x"}
        )
    answer = api().get(f"outgoing/{theirs.public_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "outgoing_not_found")
    assert api("connections:read").get(f"outgoing/{theirs.public_id}").status_code == 403


@pytest.mark.parametrize("seconds", [0, 1, 86_400])
def test_a_time_that_is_over_is_refused(api, line, seconds):
    over = (timezone.now() - timedelta(seconds=seconds)).isoformat()
    body = {"type": "text", "to": TO, "text": "Oi", "expires_at": over}
    answer = api().post("messages", body)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, "expires_at", "in_the_past")
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\u200b\u200d\ufeff", "\u2060 \u00ad", "\u3164", "\u2800", "\ufe0f", "\u0301"],
)
def test_a_text_that_shows_nothing_is_empty(api, line, ours, text):
    caller = api()
    for path, body in (
        ("messages", {"type": "text", "to": TO, "text": text}),
        (f"messages/{ours.public_id}/edit", {"text": text}),
        (f"connections/{line.public_id}/status-posts", {"type": "text", "text": text}),
    ):
        answer = caller.post(path, body)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["field"], error["code"]) == (400, "text", "required")
    reacted = caller.post(f"messages/{ours.public_id}/reaction", {"emoji": text})
    assert reacted.status_code == 400
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize("text", ["a\u200bb", "❤️", "👨\u200d👩\u200d👧", "1️⃣", "é", "ação"])
def test_what_is_seen_is_sent_as_it_was_written(api, line, text):
    answer = api().post("messages", {"type": "text", "to": TO, "text": text})
    assert (answer.status_code, answer.json()["text"]) == (201, text)


def test_a_forward_to_nobody_says_what_is_missing(api, line, ours):
    answer = api().post(f"messages/{ours.public_id}/forward", {})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, "to", "required")
    bad = api().post(f"messages/{ours.public_id}/forward", {"to": "12"})
    assert bad.json()["errors"][0]["code"] == "invalid"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nowhere", "url_invalid"),
        ("http://169.254.169.254/x", "url_address_refused"),
        ("ftp://example.com/x", "url_scheme_refused"),
    ],
)
def test_a_bad_address_of_a_file_has_one_prefix(api, line, url, code):
    body = {"type": "image", "to": TO, "media": {"url": url}}
    (error,) = api().post("messages", body).json()["errors"]
    assert (error["field"], error["code"]) == ("media.url", code)
