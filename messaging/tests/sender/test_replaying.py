"""Sending all failures of a connection again: which ones, once, written down, and by whom."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.errors import Conflict, NotFound
from evosense.core.ids import uuid7
from evosense.core.schema import current_tenant, public_scope, tenant_scope
from evosense.testing.threads import run_threads
from messaging.models import Connection, Conversation, Message, Outgoing
from messaging.services.sending import replay_failed, replaying
from messaging.tests.sender.fakes import run_lanes, states
from messaging.tests.sending.things import lane_of, make_line, say
from tenancy.models import AuditEntry

GIVEN_UP = {"code": "too_many_requests", "detail": "", "can_retry": True}


def fail(message, state="dead", **failure):
    kept = {**GIVEN_UP, **failure}
    Outgoing.objects.filter(message=message).update(
        state=state, failure=kept, attempts=10, passing_faults=10, finished_at=timezone.now()
    )
    Message.objects.filter(pk=message.pk).update(status="failed", failure=kept)
    Conversation.objects.filter(last_message_id=message.pk).update(preview_status="failed")
    return message


def replays():
    with public_scope():
        rows = AuditEntry.objects.filter(action="messages.replayed")
        return list(rows.values_list("changes", flat=True))


def test_what_may_be_repeated_waits_again_in_its_order(server):
    line = make_line()
    for text in ("um", "dois"):
        fail(say(line, text))
    fail(say(line, "três"), state="failed", code="meta_131000")

    done = replay_failed(line.public_id)

    assert (done.replayed, done.remaining) == (3, 0)
    assert lane_of(line).due_at is not None
    message = Message.objects.get(text="três")
    assert (message.status, message.failure) == ("pending", None)
    assert message.conversation.preview_status == "pending"
    assert replays() == [{"messages": [0, 3]}]
    run_lanes()
    assert server.texts == ["um", "dois", "três"]
    assert states() == ["sent"] * 3


def test_what_could_double_or_help_nobody_stays(server):
    line, other = make_line(), make_line()
    fail(say(line, "recusado"), state="failed", code="bad_request", can_retry=False)
    fail(say(line, "talvez saiu"), code="unresolved")
    late = fail(say(line, "venceu"))
    Outgoing.objects.filter(message=late).update(expires_at=timezone.now() - timedelta(hours=1))
    came = fail(say(line, "chegou"))
    Message.objects.filter(pk=came.pk).update(status="delivered")
    beyond = fail(say(line, "modelo"))
    Outgoing.objects.filter(message=beyond).update(kind="template")
    fail(say(other, "de outra conexão"))

    done = replay_failed(line.public_id)

    assert (done.replayed, done.remaining) == (0, 0)
    assert "queued" not in states()
    assert replays() == []


def test_a_batch_is_bounded_and_says_what_is_left(server, monkeypatch):
    monkeypatch.setattr(replaying, "MOST", 2)
    line = make_line()
    for number in range(3):
        fail(say(line, f"{number}"))

    first, second = replay_failed(line.public_id), replay_failed(line.public_id)

    assert (first.replayed, first.remaining) == (2, 1)
    assert (second.replayed, second.remaining) == (1, 0)


def test_two_who_ask_at_once_queue_everything_once(server):
    line = make_line()
    for number in range(4):
        fail(say(line, f"{number}"))
    tenant = current_tenant()

    def replay():
        with tenant_scope(tenant):
            return replay_failed(line.public_id).replayed

    assert sorted(run_threads([replay] * 3)) == [0, 0, 4]
    assert replays() == [{"messages": [0, 4]}]


def test_it_is_refused_where_nothing_would_leave_and_waits_for_an_absent_number(server):
    line = make_line()
    fail(say(line))
    Connection.objects.update(is_active=False, state="disconnected")
    with pytest.raises(Conflict) as refused:
        replay_failed(line.public_id)
    assert refused.value.code == "closed"

    Connection.objects.update(is_active=True)
    assert replay_failed(line.public_id).replayed == 1
    with pytest.raises(NotFound):
        replay_failed(uuid7())


def test_statements_do_not_grow_with_the_batch(server, count_queries):
    line = make_line()
    fail(say(line))
    with count_queries() as one:
        replay_failed(line.public_id)
    for _ in range(5):
        fail(say(line))
    with count_queries() as many:
        replay_failed(line.public_id)
    assert len(many) == len(one)


def test_a_page_sends_them_again_once_for_each_click(client_for, server):
    line = make_line()
    url = f"/conexoes/{line.public_id}/envios/"
    client = client_for("agent")
    assert "again-all" not in client.get(url).content.decode()
    fail(say(line))
    html = client.get(url).content.decode()
    assert 'id="again-all"' in html
    token = html.split('name="form_token" value="')[1].split('"')[0]
    assert client_for("viewer").post(f"{url}repetir/", {"form_token": token}).status_code == 403
    assert "again-all" not in client_for("viewer").get(url).content.decode()

    said = client.post(f"{url}repetir/", {"form_token": token}, follow=True).content.decode()
    assert "mensagem" in said or "message" in said
    assert states() == ["queued"]
    fail(Message.objects.get())
    client.post(f"{url}repetir/", {"form_token": token})
    assert states() == ["dead"]
    assert len(replays()) == 1
