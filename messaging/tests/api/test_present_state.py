"""A repeated request about a message answers with the message as it is by then."""

from django.utils import timezone

from messaging.models import Message, Outgoing
from messaging.tests.factories import make_conversation, make_message

KEY = {"Idempotency-Key": "pedido-4711"}
BODY = {"type": "text", "to": "5511900001234", "text": "Oi"}


def test_a_repeated_send_tells_how_far_the_message_is(api, line):
    caller = api()
    first = caller.post("messages", BODY, **KEY)
    now = timezone.now()
    Outgoing.objects.update(state="sent", attempts=1, sent_at=now, finished_at=now)
    Message.objects.update(status="read", status_at=now)

    again = caller.post("messages", BODY, **KEY)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert (first.json()["sending"]["state"], again.json()["sending"]["state"]) == (
        "queued",
        "sent",
    )
    assert again.json() == caller.get(f"messages/{first.json()['id']}").json()
    assert again.json()["status"] == "read"
    assert Outgoing.objects.count() == 1


def test_a_repeated_act_tells_how_far_it_is(api, line):
    told = make_message(make_conversation(line), provider_id="3EB0AA", text="Oi")
    caller, path = api(), f"messages/{told.public_id}/reaction"
    first = caller.post(path, {"emoji": "👍"}, **KEY)
    Outgoing.objects.update(state="failed", finished_at=timezone.now())

    again = caller.post(path, {"emoji": "👍"}, **KEY)

    assert (first.json()["state"], again.json()["state"]) == ("queued", "failed")


def test_what_is_gone_is_answered_as_the_first_time(api, line):
    caller = api()
    first = caller.post("messages", BODY, **KEY)
    Message.objects.update(is_hidden=True)
    assert caller.get(f"messages/{first.json()['id']}").status_code == 404

    again = caller.post("messages", BODY, **KEY)

    assert (again.status_code, again.json()) == (200, first.json())
