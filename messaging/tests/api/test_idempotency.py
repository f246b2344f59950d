"""A POST that is sent again does nothing again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.models import AnsweredRequest
from evosense.testing.threads import run_threads
from messaging.models import Connection
from messaging.tests.factories import make_raw_event

BODY = {"name": "loja", "instance": "evs-1", "number": "+55 11 90000-1234"}
KEY = {"Idempotency-Key": "7d0c9f2e"}


def test_repeated_creation_is_answered_as_the_first_time(api):
    caller = api()
    first = caller.post("connections", BODY, **KEY)
    again = caller.post("connections", BODY, **KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert first.json()["number"] == "5511900001234"
    assert len(first.json()["webhook_token"]) == 43
    assert Connection.objects.count() == 1


def test_same_key_with_another_body_is_a_conflict(api):
    caller = api()
    caller.post("connections", BODY, **KEY)
    answer = caller.post("connections", {**BODY, "name": "outra"}, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")


def test_two_programs_may_choose_the_same_key(api):
    api().post("connections", BODY, **KEY)
    answer = api().post("connections", {"name": "outra", "instance": "evs-2"}, **KEY)
    assert answer.status_code == 201


def test_refusal_may_be_tried_again(api):
    caller = api()
    assert caller.post("connections", {**BODY, "server_url": "x"}, **KEY).status_code == 400
    assert caller.post("connections", BODY, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["a b", "é", "x" * 201])
def test_key_must_be_plain(api, key):
    answer = api().post("connections", BODY, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_body_too_deep_to_be_remembered_is_refused(api):
    parts = []
    for _level in range(300):
        parts = [parts]
    template = {"name": "x", "language": "pt_BR", "components": parts}
    body = {"type": "template", "to": "5511900001234", "template": template}
    answer = api().post("messages", body, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_answer_with_a_secret_is_not_kept_readable(api):
    token = api().post("connections", BODY, **KEY).json()["webhook_token"]
    assert token.encode() not in bytes(AnsweredRequest.objects.get().answer)


def test_answers_are_forgotten_after_a_day(api):
    caller = api()
    caller.post("connections", BODY, **KEY)
    AnsweredRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert caller.post("connections", BODY, **KEY).status_code == 409
    assert caller.post("connections", {"name": "b", "instance": "c"}, **KEY).status_code == 201


def test_taken_names_are_a_conflict_that_names_the_field(api):
    caller = api()
    caller.post("connections", BODY)
    taken = caller.post("connections", {"name": "LOJA", "instance": "evs-2"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "name")
    taken = caller.post("connections", {"name": "outra", "instance": "evs-1"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "instance")


def test_repeated_rotation_shows_the_same_token(api):
    caller = api()
    made = caller.post("connections", BODY).json()
    path = f"connections/{made['id']}/rotate"
    first, again = caller.post(path, **KEY), caller.post(path, **KEY)
    assert first.json() == again.json()
    assert first.json()["webhook_token"] != made["webhook_token"]
    assert first.json()["previous_token_until"].endswith("Z")


def test_event_that_is_done_cannot_be_replayed(api):
    caller = api()
    caller.post("connections", BODY)
    connection = Connection.objects.get()
    path = f"connections/{connection.public_id}/events"
    for over in ({"status": 1}, {"status": 2, "flag": "oversize"}):
        event = make_raw_event(connection, **over)
        assert caller.post(f"{path}/{event}/replay").json()["code"] == "event_not_replayable"
    dead = make_raw_event(connection, status=3, attempts=5, error_message="x")
    answer = caller.post(f"{path}/{dead}/replay")
    assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (
        202,
        "pending",
        0,
    )


def test_two_at_once_do_the_work_once(committed, api):
    caller = api()
    answers = run_threads([lambda: caller.post("connections", BODY, **KEY)] * 2)
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert answers[0].json() == answers[1].json()
    assert Connection.objects.count() == 1
