"""Endpoints: checked when they are saved, limited, secret, and switched off by themselves."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail as outbox
from django.db import connection
from django.utils import timezone

from evosense.core.backlog import backlog
from evosense.core.egress.policy import Policy
from evosense.core.errors import Conflict, Invalid, LimitReached, NotFound
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.services.webhooks_out import deliveries, endpoints, sending, upkeep
from messaging.services.webhooks_out.kinds import event_types
from messaging.tests.webhooks_out.rig import (
    Receiver,
    fresh,
    happen,
    make_delivery,
    make_incident,
    make_webhook,
    opened,
)
from tenancy.models import AuditEntry, Entitlement, Mail
from tenancy.services import mail

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("state", flat=True))


def trail() -> list[AuditEntry]:
    with public_scope():
        return list(AuditEntry.objects.filter(object_type="webhook").order_by("number"))


def update(made, **over) -> WebhookEndpoint:
    now = made.endpoint
    known = {"name": now.name, "url": now.url, "event_types": now.event_types, "is_active": True}
    return endpoints.update_endpoint(now.public_id, **{**known, **over})


def test_the_secret_is_kept_encrypted_and_written_nowhere_else() -> None:
    made = make_webhook()
    endpoints.rotate_secret(made.endpoint.public_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret::text, old_secret::text FROM messaging_webhookendpoint")
        stored = cursor.fetchone()
    assert made.secret.encode().hex() not in "".join(stored)
    assert fresh(made).old_secret == made.secret
    assert fresh(made).secret not in {made.secret, None}
    assert [one.action for one in trail()] == ["webhook.created", "webhook.secret_renewed"]
    assert "whsec" not in str([one.changes for one in trail()])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "invalid"),
        ("example.com", "invalid"),
        ("ftp://example.com/", "invalid"),
        ("https://example.com/#part", "invalid"),
        ("https://example.com/" + "a" * 500, "invalid"),
        ("http://example.com/", "scheme_refused"),
        ("https://user:word@example.com/", "userinfo_refused"),
        ("https://example.com:8443/", "port_refused"),
        ("https://127.0.0.1/", "address_refused"),
        ("https://10.1.2.3/hook", "address_refused"),
        ("https://169.254.169.254/latest/meta-data", "address_refused"),
        ("https://[::1]/", "address_refused"),
    ],
)
def test_addresses_that_lead_inside_are_refused_when_saved(url, code, monkeypatch) -> None:
    monkeypatch.setattr(settings, "EGRESS", Policy())
    with pytest.raises(Invalid) as refusal:
        make_webhook(url)
    assert (refusal.value.code, refusal.value.field) == (code, "url")
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["message.text"]}, "event_types"),
    ],
)
def test_names_and_types_are_checked(over, field) -> None:
    with pytest.raises(Invalid) as refusal:
        make_webhook(**over)
    assert refusal.value.field == field


def test_a_name_is_taken_once() -> None:
    make_webhook(name="erp")
    with pytest.raises(Conflict):
        make_webhook(name="erp")


def test_the_plan_limits_them() -> None:
    with public_scope():
        Entitlement.objects.create(tenant_id=ALPHA.id, name="webhooks", limit=1)
    make_webhook()
    with pytest.raises(LimitReached):
        make_webhook()


def test_the_types_are_those_of_the_registry() -> None:
    names = {one.name for one in event_types()}
    assert {"incident.opened", "incident.closed", "connection.state_changed"} <= names


def test_410_switches_it_off_with_a_letter_and_drops_what_waits(
    receiver: Receiver, make_member
) -> None:
    owner = make_member("owner").user
    make_member("admin")
    receiver.always = (410, {})
    made = make_webhook(receiver.url, name="erp")
    happen(opened(make_incident()))
    waiting = make_delivery(made, next_at=timezone.now() + timedelta(hours=1))
    sending.send_due()
    after = fresh(made)
    assert (after.is_active, after.disabled_reason) == (False, "gone")
    assert states() == ["failed", "dropped"]
    waiting.refresh_from_db()
    assert waiting.last_error == "endpoint_disabled"
    assert trail()[-1].action == "webhook.disabled"
    with public_scope():
        letter = Mail.objects.get()
    assert letter.to == owner.email
    outbox.outbox.clear()
    assert mail.deliver(letter.pk) == "sent"
    [sent] = outbox.outbox
    assert "erp" in sent.subject
    assert str(after.public_id) in sent.body
    happen(opened(make_incident()))
    assert len(states()) == 2


@pytest.mark.parametrize(("hours", "is_on"), [(119, True), (121, False)])
def test_five_days_of_nothing_but_failures_switch_it_off(
    hours, is_on, receiver: Receiver, make_member
) -> None:
    make_member("owner")
    receiver.always = (500, {})
    made = make_webhook(receiver.url)
    since = timezone.now() - timedelta(hours=hours)
    WebhookEndpoint.objects.filter(pk=made.endpoint.pk).update(failing_since=since, failures=3)
    happen(opened(make_incident()))
    sending.send_due()
    assert fresh(made).is_active == is_on
    assert states() == (["pending"] if is_on else ["dropped"])
    with public_scope():
        assert Mail.objects.count() == (0 if is_on else 1)


def test_a_letter_about_one_that_works_again_is_not_sent(receiver: Receiver, make_member) -> None:
    make_member("owner")
    receiver.always = (410, {})
    made = make_webhook(receiver.url)
    happen(opened(make_incident()))
    sending.send_due()
    switched_on = update(made)
    assert (switched_on.is_active, switched_on.disabled_reason) == (True, "")
    with public_scope():
        letter = Mail.objects.get()
    assert mail.deliver(letter.pk) == "dropped"


def test_one_that_fails_again_and_again_gets_a_rest() -> None:
    made = make_webhook("http://127.0.0.1:9/")
    for _event in range(6):
        happen(opened(make_incident()))
    sending.send_due()
    after = fresh(made)
    assert after.failures == 5
    assert after.paused_until > timezone.now()
    assert WebhookDelivery.objects.filter(attempts=0).count() == 1
    assert backlog(ALPHA)["webhooks_out"] == 0
    WebhookEndpoint.objects.update(paused_until=None)
    assert backlog(ALPHA)["webhooks_out"] == 1


def test_a_test_counts_against_nobody_and_reaches_one_that_is_off(receiver: Receiver) -> None:
    made = make_webhook(receiver.url)
    receiver.answers = [(500, {}), (410, {})]
    for _try in range(2):
        found = WebhookDelivery.objects.get(public_id=deliveries.send_test(made.endpoint.public_id))
        assert (found.state, found.attempts) == ("failed", 1)
    assert (fresh(made).failures, fresh(made).is_active) == (0, True)
    update(made, is_active=False)
    found = WebhookDelivery.objects.get(public_id=deliveries.send_test(made.endpoint.public_id))
    assert (found.state, found.type, found.last_status) == ("delivered", "webhook.test", 204)
    assert fresh(made).is_active is False
    assert len(receiver.heard) == 3
    assert [one.action for one in trail()].count("webhook.tested") == 3


def test_a_replay_keeps_the_id_and_gets_all_attempts(receiver: Receiver) -> None:
    made = make_webhook(receiver.url)
    happen(opened(make_incident()))
    sending.send_due()
    done = WebhookDelivery.objects.get()
    deliveries.replay(made.endpoint.public_id, done.public_id)
    with pytest.raises(Conflict):
        deliveries.replay(made.endpoint.public_id, done.public_id)
    sending.send_due()
    done.refresh_from_db()
    assert (done.state, done.attempts) == ("delivered", 1)
    first, second = receiver.heard
    assert (first.id, first.body) == (second.id, second.body)
    update(made, is_active=False)
    with pytest.raises(Conflict):
        deliveries.replay(made.endpoint.public_id, done.public_id)


def test_a_delivery_of_another_endpoint_is_not_found() -> None:
    mine, other = make_webhook(), make_webhook()
    one = make_delivery(other)
    with pytest.raises(NotFound):
        deliveries.replay(mine.endpoint.public_id, one.public_id)


def test_switching_off_drops_what_waits_and_the_sweep_what_was_held() -> None:
    made = make_webhook()
    make_delivery(made)
    held = make_delivery(made, state="sending", attempts=1)
    update(made, is_active=False)
    assert states() == ["dropped", "sending"]
    upkeep.sweep()
    held.refresh_from_db()
    assert (held.state, held.last_error) == ("dropped", "endpoint_disabled")


def test_deliveries_are_forgotten_after_thirty_days(monkeypatch) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    made, old = make_webhook(), timezone.now() - timedelta(days=31)
    for state in ("delivered", "failed", "dropped", "pending"):
        make_delivery(made, state=state)
    WebhookDelivery.objects.update(created_at=old)
    make_delivery(made, state="delivered")
    assert upkeep.forget_old() == 3
    assert states() == ["pending", "delivered"]


def test_removing_takes_the_deliveries_along() -> None:
    made = make_webhook()
    make_delivery(made)
    endpoints.remove_endpoint(made.endpoint.public_id)
    assert not WebhookDelivery.objects.exists()
    with pytest.raises(NotFound):
        endpoints.remove_endpoint(made.endpoint.public_id)
