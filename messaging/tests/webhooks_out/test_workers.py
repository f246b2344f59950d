"""Many workers, dead workers, dead endpoints: each delivery has one sender, and none is lost."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from evosense.core.backlog import backlog
from evosense.core.outbox import emit, relay
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.forks import forks
from evosense.testing.threads import run_threads
from messaging.models import WebhookDelivery
from messaging.services.webhooks_out import claims, sending
from messaging.services.webhooks_out.answers import Outcome
from messaging.services.webhooks_out.deliveries import replay
from messaging.services.webhooks_out.settling import settle
from messaging.tests.webhooks_out.rig import (
    Receiver,
    make_delivery,
    make_incident,
    make_webhook,
    opened,
)
from tenancy.db.tickets import work_off

# Dies when the endpoint has answered and nothing of it is written down.
WORKER = """
import os
import signal
import django
django.setup()
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from messaging.services.webhooks_out import sending

def work():
    sending.settle = lambda *_what: os.kill(os.getpid(), signal.SIGKILL)
    with tenant_scope(ALPHA):
        sending.send_due()
"""


def test_an_event_goes_the_whole_way_by_itself(committed, tenant, receiver: Receiver) -> None:
    make_webhook(receiver.url)
    incident = make_incident()
    with transaction.atomic():
        emit(opened(incident))
    relay()
    # The note makes the row and calls for the sending.
    work_off("webhooks")
    assert WebhookDelivery.objects.get().state == "delivered"
    assert len(receiver.heard) == 1
    incident.refresh_from_db()
    assert "webhook" in incident.told


@pytest.mark.chaos
def test_killed_after_the_answer_it_is_sent_again_under_the_same_id(
    committed, tenant, receiver: Receiver
) -> None:
    make_delivery(make_webhook(receiver.url))
    with forks(WORKER) as workers:
        assert workers.run() == -9
    held = WebhookDelivery.objects.get()
    assert (held.state, held.attempts, len(receiver.heard)) == ("sending", 1, 1)
    assert claims.take() is None
    assert backlog(ALPHA)["webhooks_out"] == 1
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    sending.send_due()
    done = WebhookDelivery.objects.get()
    assert (done.state, done.attempts) == ("delivered", 2)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    assert backlog(ALPHA)["webhooks_out"] == 0


def test_one_endpoint_has_two_in_flight_and_holds_nobody_up(tenant) -> None:
    dead, alive = make_webhook(), make_webhook()
    first = [make_delivery(dead).pk for _row in range(5)][:2]
    others = [make_delivery(alive).pk for _row in range(2)]
    taken = [claims.take() for _turn in range(5)]
    assert [one and one.pk for one in taken] == [*first, *others, None]
    settle(taken[0], Outcome(500, "http_error"))
    assert claims.take().endpoint_id == dead.endpoint.pk
    assert claims.take() is None


def test_workers_at_once_never_take_the_same_one(committed, tenant) -> None:
    hooks = [make_webhook() for _hook in range(2)]
    for hook in hooks:
        for _row in range(6):
            make_delivery(hook)

    def work() -> list[tuple[int, int]]:
        with tenant_scope(ALPHA):
            found = [claims.take() for _turn in range(3)]
            return [(one.endpoint_id, one.pk) for one in found if one]

    taken = [pair for pairs in run_threads([work] * 8) for pair in pairs]
    assert len({pk for _hook, pk in taken}) == len(taken) == 4
    assert set(Counter(hook for hook, _pk in taken).values()) == {claims.AT_ONCE}


def test_who_lost_the_claim_settles_nothing(tenant) -> None:
    make_delivery(make_webhook())
    late = claims.take()
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    newer = claims.take()
    assert newer.attempts == 2
    settle(late, Outcome(500, "http_error"))
    row = WebhookDelivery.objects.get()
    assert (row.state, row.last_error, newer.endpoint.failures) == ("sending", "", 0)
    settle(newer, Outcome(204))
    assert WebhookDelivery.objects.get().state == "delivered"


def test_who_lost_the_claim_before_a_replay_settles_nothing(tenant) -> None:
    made = make_webhook()
    make_delivery(made)
    late = claims.take()
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    settle(claims.take(), Outcome(204))
    replay(made.endpoint.public_id, late.public_id)
    assert claims.take().attempts == late.attempts == 1
    settle(late, Outcome(500, "http_error"))
    assert WebhookDelivery.objects.get().state == "sending"


def test_the_endpoint_is_removed_while_it_is_asked(tenant) -> None:
    made = make_webhook()
    make_delivery(made)
    taken = claims.take()
    made.endpoint.delete()
    settle(taken, Outcome(204))
    assert not WebhookDelivery.objects.exists()


def test_an_error_of_ours_leaves_the_claim_to_its_lease(tenant, monkeypatch) -> None:
    make_delivery(make_webhook())
    monkeypatch.setattr(sending, "_asked", _broken)
    sending.send_due()
    held = WebhookDelivery.objects.get()
    assert held.state == "sending"
    assert held.next_at > timezone.now()


def _broken(_delivery: object) -> Outcome:
    raise RuntimeError("ours")
