"""Programs that send the failures of a connection again: once for each key, and only their own."""

from evosense.core.schema import tenant_scope
from evosense.testing.databases import BETA
from messaging.models import Message
from messaging.tests.sender.fakes import states
from messaging.tests.sender.test_replaying import fail
from messaging.tests.sending.things import make_line, say

KEY = {"Idempotency-Key": "uma-vez"}


def test_one_key_queues_once(api, line):
    fail(say(line))
    path = f"connections/{line.public_id}/dead-letters/replay"
    caller = api()

    first = caller.post(path, **KEY)
    fail(Message.objects.get())
    again = caller.post(path, **KEY)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == {"replayed": 1, "remaining": 0}
    assert states() == ["dead"]
    assert caller.post(path).json()["replayed"] == 1


def test_reading_is_not_enough(api, line):
    path = f"connections/{line.public_id}/dead-letters/replay"
    assert api("messages:read", "connections:write").post(path).status_code == 403


def test_nobody_sends_the_failures_of_others_again(api, line, other_tenant):
    with tenant_scope(BETA):
        theirs = make_line()
        fail(say(theirs))

    answer = api().post(f"connections/{theirs.public_id}/dead-letters/replay")

    assert (answer.status_code, answer.json()["code"]) == (404, "connection_not_found")
    with tenant_scope(BETA):
        assert states() == ["dead"]
