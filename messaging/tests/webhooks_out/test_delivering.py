"""From an event to a signed request at somebody's server, and what its answer leads to."""

import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from evosense.core.egress.policy import ANY_PORT, Policy
from evosense.core.http import Answer
from messaging.events import ConnectionStateChanged, IncidentClosed
from messaging.models import Incident, WebhookDelivery, WebhookEndpoint
from messaging.selectors.incidents import incident_view
from messaging.services.health.alerts import note_told
from messaging.services.webhooks_out import noting, sending, settling
from messaging.services.webhooks_out.answers import Outcome, outcome_of
from messaging.services.webhooks_out.endpoints import rotate_secret
from messaging.tests.factories import make_connection
from messaging.tests.webhooks_out.rig import (
    Receiver,
    expected_signature,
    fresh,
    happen,
    make_delivery,
    make_incident,
    make_webhook,
    opened,
)

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")


def the_only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_an_incident_reaches_who_asked_for_it_signed_and_thin(receiver: Receiver) -> None:
    made = make_webhook(receiver.url)
    make_webhook(receiver.url, event_types=["incident.closed"])
    incident = make_incident(make_connection(name="Loja Centro", number="5511900001234"))
    happen(opened(incident))
    assert sending.send_due() is False
    [heard] = receiver.heard
    assert heard.headers["webhook-signature"] == expected_signature(made.secret, heard)
    assert heard.headers["content-type"] == "application/json"
    body = orjson.loads(heard.body)
    assert body["type"] == "incident.opened"
    assert datetime.fromisoformat(body["timestamp"]) == the_only().occurred_at
    assert body["data"] == {
        "incident_id": str(incident.public_id),
        "connection_id": str(incident.connection.public_id),
        "kind": "disconnected",
        "severity": "down",
        "started_at": incident.started_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ended_at": None,
    }
    assert b"5511900001234" not in heard.body
    assert b"Loja" not in heard.body
    done = the_only()
    assert (done.state, done.attempts, done.last_status, done.next_at) == (
        "delivered",
        1,
        204,
        None,
    )
    assert heard.id == f"msg_{done.public_id.hex}"


def test_the_incident_says_that_a_system_was_told(receiver: Receiver) -> None:
    incident = make_incident(told={"app": "2026-11-22T08:00:00+00:00"})
    happen(opened(incident))
    sending.send_due()
    assert incident_view(incident.public_id).webhook_at is None
    make_webhook(receiver.url)
    happen(opened(incident))
    sending.send_due()
    told_at = incident_view(incident.public_id).webhook_at
    assert abs(timezone.now() - told_at) < timedelta(minutes=1)
    rows = Incident.objects.filter(pk=incident.pk)
    note_told(rows, {"email": "2026-11-22T08:01:00+00:00", "webhook": "later"})
    told = rows.get().told
    assert set(told) == {"app", "email", "webhook"}
    assert datetime.fromisoformat(told["webhook"]) == told_at


def test_closed_incidents_and_states_are_told(receiver: Receiver) -> None:
    make_webhook(receiver.url, event_types=["incident.closed", "connection.state_changed"])
    incident = make_incident(ended_at=timezone.now())
    closed = IncidentClosed(incident.connection_id, incident.pk, incident.kind)
    happen(closed, "incident.closed")
    happen(ConnectionStateChanged(incident.connection_id, "connected"), "connection.state_changed")
    sending.send_due()
    bodies = [orjson.loads(one.body) for one in receiver.heard]
    assert [body["type"] for body in bodies] == ["incident.closed", "connection.state_changed"]
    assert bodies[0]["data"]["ended_at"]
    connection_id = str(incident.connection.public_id)
    assert bodies[1]["data"] == {"connection_id": connection_id, "state": "connected"}


def test_an_event_that_is_told_twice_makes_one_row(receiver: Receiver) -> None:
    make_webhook(receiver.url)
    event = opened(make_incident())
    event_id = happen(event)
    payload = {"incident_id": event.incident_id, "connection_id": event.connection_id}
    noting.note_event(event_id, payload, "incident.opened")
    sending.send_due()
    noting.note_event(event_id, payload, "incident.opened")
    sending.send_due()
    assert (WebhookDelivery.objects.count(), len(receiver.heard)) == (1, 1)
    # The next event of the same incident is another one.
    happen(event)
    assert WebhookDelivery.objects.count() == 2


def test_events_without_ears_or_without_a_row_make_nothing() -> None:
    event = opened(make_incident())
    happen(event)
    made = make_webhook()
    noting.note_event(10**12, {"incident_id": event.incident_id}, "incident.opened")
    Incident.objects.all().delete()
    happen(event)
    WebhookEndpoint.objects.filter(pk=made.endpoint.pk).update(is_active=False)
    happen(opened(make_incident()))
    assert not WebhookDelivery.objects.exists()


def test_failures_are_repeated_by_the_schedule_under_one_id(receiver: Receiver) -> None:
    receiver.always = (500, {})
    made = make_webhook(receiver.url)
    happen(opened(make_incident()))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number, pause in enumerate(settling.PAUSES, start=1):
            sending.send_due()
            waiting = the_only()
            assert (waiting.state, waiting.attempts) == ("pending", number)
            assert (waiting.last_status, waiting.last_error) == (500, "http_error")
            waits = waiting.next_at - timezone.now()
            assert 0.89 * pause <= waits <= 1.11 * pause
            clock.move_to(waiting.next_at - timedelta(seconds=1))
            sending.send_due()
            assert len(receiver.heard) == number
            clock.move_to(waiting.next_at)
        sending.send_due()
    given_up = the_only()
    assert (given_up.state, given_up.attempts, given_up.next_at) == ("failed", 10, None)
    assert len(receiver.heard) == 10
    assert {one.id for one in receiver.heard} == {f"msg_{given_up.public_id.hex}"}
    assert len({one.headers["webhook-timestamp"] for one in receiver.heard}) == 10
    assert len({one.body for one in receiver.heard}) == 1
    for one in receiver.heard:
        assert one.headers["webhook-signature"] == expected_signature(made.secret, one)


def test_pauses_differ_a_little() -> None:
    found = {settling.pause_after(4) for _try in range(20)}
    assert len(found) > 10
    assert all(timedelta(minutes=108) <= one <= timedelta(minutes=132) for one in found)


def test_a_success_after_failures_clears_the_record(receiver: Receiver) -> None:
    receiver.answers = [(500, {})]
    made = make_webhook(receiver.url)
    happen(opened(make_incident()))
    sending.send_due()
    assert fresh(made).failing_since is not None
    with time_machine.travel(timezone.now() + timedelta(seconds=6), tick=False):
        sending.send_due()
    after = fresh(made)
    assert (the_only().state, the_only().attempts) == ("delivered", 2)
    assert (after.failing_since, after.failures, after.paused_until) == (None, 0, None)
    assert after.delivered_at is not None


def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    receiver.always = (302, {"Location": receiver.url + "/elsewhere"})
    make_webhook(receiver.url)
    happen(opened(make_incident()))
    sending.send_due()
    assert (the_only().state, the_only().last_error) == ("pending", "redirect")
    assert len(receiver.heard) == 1


def test_who_asks_for_a_pause_gets_it_for_all_deliveries(receiver: Receiver) -> None:
    receiver.answers = [(429, {"Retry-After": "3600"})]
    make_webhook(receiver.url)
    happen(opened(make_incident()))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sending.send_due()
        assert the_only().last_error == "too_many"
        assert the_only().next_at == timezone.now() + timedelta(hours=1)
        happen(opened(make_incident()))
        clock.shift(timedelta(minutes=59))
        sending.send_due()
        assert len(receiver.heard) == 1
        clock.shift(timedelta(minutes=1))
        sending.send_due()
    assert len(receiver.heard) == 3
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (503, "120", 120),
        (503, "Sun, 22 Nov 2026 08:02:00 GMT", 120),
        (503, "Sun, 22 Nov 2026 07:00:00 GMT", 0),
        (429, "99999999999999", 86400),
        (503, "soon", None),
        (503, "", None),
        (500, "120", None),
    ],
)
def test_retry_after_is_read_in_both_forms(status: int, asked: str, seconds: int | None) -> None:
    import httpx2

    answer = Answer(status, httpx2.Headers({"Retry-After": asked}), b"")
    found = outcome_of(answer, now=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    assert found.pause == (None if seconds is None else timedelta(seconds=seconds))


def test_a_slow_one_is_left_after_the_time_out(receiver: Receiver, monkeypatch) -> None:
    assert sending.TIMEOUT_SECONDS == 15
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.2)
    receiver.delay = 2
    make_webhook(receiver.url)
    happen(opened(make_incident()))
    sending.send_due()
    assert (the_only().state, the_only().last_error) == ("pending", "timed_out")


def test_an_address_that_leads_inside_is_refused_when_it_is_called(
    receiver: Receiver, monkeypatch
) -> None:
    make_webhook(receiver.url)
    happen(opened(make_incident()))
    # As a name that led outside when it was saved and leads inside now.
    monkeypatch.setattr(settings, "EGRESS", Policy(ports=ANY_PORT, plain_http=True))
    sending.send_due()
    assert (the_only().state, the_only().last_error) == ("pending", "address_refused")
    assert receiver.heard == []


def test_our_own_crowd_is_no_attempt_of_theirs(receiver: Receiver, monkeypatch) -> None:
    made = make_webhook(receiver.url)
    happen(opened(make_incident()))
    monkeypatch.setattr(sending, "_asked", lambda _one: Outcome(error="egress_busy"))
    sending.send_due()
    waiting = the_only()
    assert (waiting.state, waiting.attempts, fresh(made).failures) == ("pending", 0, 0)


def test_both_secrets_sign_for_a_day_after_a_rotation(receiver: Receiver) -> None:
    made = make_webhook(receiver.url)
    new = rotate_secret(made.endpoint.public_id)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", new.secret)
    happen(opened(make_incident()))
    sending.send_due()
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        happen(opened(make_incident()))
        sending.send_due()
    first, second = receiver.heard
    both = [expected_signature(secret, first) for secret in (new.secret, made.secret)]
    assert first.headers["webhook-signature"].split(" ") == both
    assert second.headers["webhook-signature"] == expected_signature(new.secret, second)


def test_what_ends_every_worker_is_given_up(receiver: Receiver) -> None:
    made = make_webhook(receiver.url)
    make_delivery(made, attempts=sending.MOST_CLAIMS)
    sending.send_due()
    assert (the_only().state, the_only().last_error) == ("failed", "gave_up")
    assert receiver.heard == []
