"""Telling that somebody types: refused where sending is refused, and then nobody asks a server."""

import pytest
from django.utils import timezone

from messaging.models import Connection
from messaging.services import presence
from messaging.tests.factories import make_conversation

STATES = [
    ({"state": "disconnected"}, "number_down"),
    ({"state": "logged_out"}, "logged_out"),
    ({"is_active": False}, "closed"),
    ({"quarantined_at": timezone.now()}, "quarantined"),
    ({"removed_at": timezone.now()}, "removed"),
]


@pytest.fixture
def asked(monkeypatch):
    tasks = []
    monkeypatch.setattr(presence, "enqueue", lambda _task, **about: tasks.append(about))
    return tasks


@pytest.mark.parametrize(("fields", "code"), STATES)
def test_it_is_refused_with_the_reason(api, line, client_for, asked, fields, code):
    conversation = make_conversation(line)
    Connection.objects.filter(pk=line.pk).update(**fields)

    answer = api().post(f"conversations/{conversation.public_id}/presence")
    page = client_for("agent").post(f"/conversas/{conversation.public_id}/digitando/")

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert page.status_code == 204
    assert asked == []


def test_a_number_that_may_send_tells_it_once_in_a_while(api, line, client_for, asked):
    conversation = make_conversation(line)
    caller = api()

    answers = [caller.post(f"conversations/{conversation.public_id}/presence") for _ in range(2)]
    client_for("agent").post(f"/conversas/{conversation.public_id}/digitando/")

    assert {one.status_code for one in answers} == {202}
    assert asked == [{"conversation_pk": conversation.pk}]


def test_a_body_that_nobody_reads_is_refused(api, line, asked):
    path = f"conversations/{make_conversation(line).public_id}/presence"

    answer = api().post(path, {"state": "recording"})

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert answer.json()["errors"][0]["field"] == "state"
    assert asked == []
    assert api().post(path, {}).status_code == 202
