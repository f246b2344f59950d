"""The settings' pages of webhooks: the secret once, tests, repetitions, and nobody else's."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from evosense.core.schema import tenant_scope
from evosense.testing.databases import BETA
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.tests.webhooks_out.rig import (
    Receiver,
    make_delivery,
    make_incident,
    make_webhook,
)
from tenancy.recent import _PROVED_AT
from tenancy.tests.settings_help import HTMX, browser, page, send

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")
HOME = "/ajustes/webhooks/"


def own(made) -> str:
    return f"{HOME}{made.endpoint.public_id}/"


def test_a_webhook_is_added_and_its_secret_shown_once(receiver: Receiver) -> None:
    client = browser()
    assert 'value="incident.opened" checked' in page(client, f"{HOME}novo/")
    data = {"name": "ERP", "url": receiver.url, "event_types": ["incident.opened"]}
    answer = send(client, f"{HOME}novo/", data, 201)
    secret = html.unescape(re.search(r"whsec_[^\"]+", answer.content.decode())[0])
    row = WebhookEndpoint.objects.get()
    assert (row.secret, row.url, row.event_types) == (secret, receiver.url, ["incident.opened"])
    assert "no-store" in answer["Cache-Control"]
    for path in (HOME, f"{HOME}{row.public_id}/", f"{HOME}{row.public_id}/alterar/"):
        shown = page(client, path)
        assert "ERP" in shown
        assert "whsec_" not in shown


def test_a_form_that_is_refused_keeps_what_was_typed() -> None:
    client = browser()
    data = {"name": "ERP", "url": "https://user:word@example.com/", "event_types": []}
    shown = send(client, f"{HOME}novo/", data, 422).content.decode()
    assert 'value="ERP"' in shown
    data["event_types"] = ["incident.closed"]
    shown = send(client, f"{HOME}novo/", data, 422).content.decode()
    assert 'id="id_url-error"' in shown
    assert 'value="incident.closed" checked' in shown
    assert not WebhookEndpoint.objects.exists()


def test_changing_and_switching_off(receiver: Receiver) -> None:
    client, made = browser(), make_webhook(receiver.url, name="erp")
    make_delivery(made)
    data = {"name": "ERP 2", "url": receiver.url, "event_types": ["incident.closed"]}
    send(client, f"{own(made)}alterar/", data)
    row = WebhookEndpoint.objects.get()
    assert (row.name, row.event_types, row.is_active) == ("ERP 2", ["incident.closed"], False)
    assert WebhookDelivery.objects.get().state == "dropped"
    send(client, f"{own(made)}alterar/", {**data, "is_active": "on"})
    assert WebhookEndpoint.objects.get().is_active


def test_a_test_says_what_the_address_answered(receiver: Receiver) -> None:
    client, made = browser(), make_webhook(receiver.url)
    receiver.answers = [(500, {})]
    for state in ("failed", "delivered"):
        send(client, f"{own(made)}testar/")
        assert WebhookDelivery.objects.latest("pk").state == state
    shown = page(client, own(made))
    assert shown.count("msg_") == 2
    assert len(receiver.heard) == 2


def test_a_new_secret_is_shown_once_and_asks_for_a_fresh_proof() -> None:
    client, made = browser(), make_webhook()
    shown = html.unescape(send(client, f"{own(made)}segredo/", status=201).content.decode())
    assert WebhookEndpoint.objects.get().secret in shown
    session = client.session
    session[_PROVED_AT] = 0
    session.save()
    answer = send(client, f"{own(made)}segredo/", HTTP_REFERER=f"http://testserver{own(made)}")
    assert answer["Location"].startswith("/conta/confirmar/")
    assert WebhookEndpoint.objects.get().secret in shown


def test_deliveries_are_paged_and_repeated(count_queries) -> None:
    client, made = browser(), make_webhook()
    for _row in range(3):
        make_delivery(made, state="failed", attempts=10, last_error="http_error", last_status=500)
    page(client, own(made))
    with count_queries() as few:
        page(client, own(made))
    for _row in range(27):
        make_delivery(made, state="delivered", attempts=1, last_status=204)
    with count_queries() as many:
        shown = page(client, own(made))
    assert len(many) == len(few)
    assert shown.count("msg_") == 25
    older = re.search(r'href="([^"]*cursor=[^"]*)"', shown)
    assert page(client, html.unescape(older[1])).count("msg_") == 5
    one = WebhookDelivery.objects.latest("created_at", "pk")
    send(client, f"{own(made)}entregas/{one.public_id}/repetir/")
    one.refresh_from_db()
    assert (one.state, one.attempts) == ("pending", 0)
    part = page(client, own(made), **HTMX)
    assert 'hx-trigger="every 3s"' in part
    assert "<html" not in part
    page(client, f"{own(made)}?cursor=x", 400)


def test_removing_it(receiver: Receiver) -> None:
    client, made = browser(), make_webhook(name="erp")
    send(client, f"{own(made)}remover/")
    assert not WebhookEndpoint.objects.exists()
    assert "erp" in page(client, HOME)
    page(client, own(made), 404)


@pytest.mark.parametrize("role", ["viewer", "agent", "supervisor"])
def test_it_is_for_administrators(role) -> None:
    client, made = browser(role), make_webhook()
    for path in (HOME, f"{HOME}novo/", own(made), f"{own(made)}alterar/"):
        page(client, path, 403)
    for act in ("testar", "segredo", "remover"):
        send(client, f"{own(made)}{act}/", status=403)


def test_another_companys_webhook_is_not_there() -> None:
    client = browser("owner")
    with tenant_scope(BETA):
        theirs = make_webhook(name="beta")
        delivery = make_delivery(theirs, state="failed")
    for path in (own(theirs), f"{own(theirs)}alterar/"):
        page(client, path, 404)
    acts = ("testar", "segredo", "remover", f"entregas/{delivery.public_id}/repetir")
    for act in acts:
        send(client, f"{own(theirs)}{act}/", status=404)
    assert "beta" not in page(client, HOME)
    with tenant_scope(BETA):
        assert WebhookEndpoint.objects.get().old_secret is None


def test_the_states_of_a_webhook_in_words() -> None:
    client, made = browser(), make_webhook()
    rows = WebhookEndpoint.objects.filter(pk=made.endpoint.pk)
    soon = timezone.now() + timedelta(hours=1)
    rows.update(paused_until=soon, failing_since=timezone.now())
    assert "badge warn" in page(client, own(made))
    rows.update(is_active=False, disabled_reason="failing", disabled_at=timezone.now())
    assert "banner bad" in page(client, own(made))
    assert "badge bad" in page(client, HOME)


def test_an_incident_shows_that_a_system_was_told() -> None:
    make_incident(told={"app": "2026-11-22T08:00:00+00:00", "webhook": "2026-11-22T08:00:07+00:00"})
    shown = page(browser(), "/conexoes/incidentes/")
    assert 'datetime="2026-11-22T08:00:07' in shown
