"""Pages, the API, errors, tasks and letters: what they log, answer and queue holds no mark."""

import io
import json
import logging
import logging.config
from types import SimpleNamespace

import pytest
from django.core import mail as outbox
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from prometheus_client import generate_latest

from evosense.core.logging import logging_settings
from evosense.core.schema import public_scope
from evosense.core.streams import redis_client
from evosense.testing.marks import (
    EMAIL,
    INSTANCE_KEY,
    NUMBER,
    PASSWORD,
    TEXT,
    TOKEN,
    found_in,
    redis_contents,
)
from messaging.tests.factories import make_contact
from tenancy.tests import factories

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")


@pytest.fixture
def log():
    """Log as in production, INFO and up, into memory."""
    stream = io.StringIO()
    configured = logging_settings(as_json=True, level="INFO")
    configured["handlers"]["stderr"]["stream"] = stream
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.config.dictConfig(configured)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def leaks(log, *answers) -> list[str]:
    """Return the marks in the log, the metrics, Redis, and the given bodies."""
    places = [("log", log.getvalue().encode()), ("metrics", generate_latest())]
    places += [(f"answer {number}", answer.content) for number, answer in enumerate(answers)]
    return found_in([*places, *redis_contents(redis_client())])


def quietly(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_what_people_type_is_not_logged(log) -> None:
    client = quietly(factories.client_for("owner"))
    for path in (
        f"/conversas/?q={TEXT}",
        f"/contatos/?q={NUMBER}",
        f"/contatos/?cursor={TEXT}",
        f"/no/such/{TEXT}/{NUMBER}/",
        f"/conexoes/?x={TOKEN}",
    ):
        client.get(path)
    client.post("/conexoes/nova/", {"name": TEXT, "instance": TEXT, "api_key": INSTANCE_KEY})
    client.post("/conexoes/nova/", {"name": TEXT, "instance": TEXT, "api_key": INSTANCE_KEY})
    stranger = quietly(factories.anonymous_client())
    for _attempt in range(3):
        stranger.post("/entrar/", {"email": EMAIL, "password": PASSWORD, "next": f"/{TEXT}"})
    assert leaks(log) == []


def test_what_programs_send_is_neither_logged_nor_repeated_in_errors(log, api_key) -> None:
    client = quietly(factories.anonymous_client())
    key = {"Authorization": f"Bearer {api_key}"}
    answers = [
        client.get(f"/api/v1/contacts?cursor={TEXT}", headers=key),
        client.get(f"/api/v1/messages?{TEXT}=1", headers={"Authorization": f"Bearer {TOKEN}"}),
        client.get(f"/api/v1/{TEXT}/{NUMBER}", headers=key),
        client.post(
            "/api/v1/connections",
            json.dumps({"name": "", "number": f"{NUMBER}{TEXT}", "api_key": INSTANCE_KEY}),
            content_type="application/json",
            headers=key,
        ),
        client.post(
            "/api/v1/connections",
            f'{{"name": "{TEXT}"'.encode(),
            content_type="application/json",
            headers=key,
        ),
    ]
    assert all(answer.status_code >= 400 for answer in answers)
    assert leaks(log, *answers) == []


@pytest.mark.parametrize("path", ["/contatos/", "/api/v1/contacts"])
def test_an_error_tells_nothing_of_its_data(log, monkeypatch, path, api_key) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise ValueError(f"cannot use {TEXT} of {NUMBER} <{EMAIL}> {TOKEN}")

    monkeypatch.setattr("tenancy.middleware.active_tenant", broken)
    client = quietly(factories.client_for("owner"))
    answer = client.get(path, headers={"Authorization": f"Bearer {api_key}"})
    assert answer.status_code == 500
    assert "ValueError" in log.getvalue()
    assert leaks(log, answer) == []


def test_an_event_that_cannot_be_applied_is_told_by_its_id(log, monkeypatch) -> None:
    from messaging.ingest import queue, worker

    monkeypatch.setattr(queue, "fail", lambda *_arguments: None)
    error = caught(lambda: int(f"{TEXT} of {NUMBER}"))
    worker._isolate(None, None, [SimpleNamespace(id=4711)], error)
    assert "4711" in log.getvalue()
    assert "ValueError" in log.getvalue()
    assert leaks(log) == []


def caught(act) -> BaseException:
    try:
        act()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError


def test_a_letter_that_cannot_leave_is_told_without_its_receiver(log, monkeypatch) -> None:
    from smtplib import SMTPRecipientsRefused

    from tenancy.models import Mail
    from tenancy.services import mail

    def refused(*_arguments: object, **_options: object) -> int:
        raise SMTPRecipientsRefused({EMAIL: (550, f"no such user {EMAIL}".encode())})

    def composed(row: Mail, _builder: object) -> EmailMessage:
        return EmailMessage(TEXT, TEXT, to=[row.to])

    monkeypatch.setattr(EmailBackend, "send_messages", refused)
    monkeypatch.setitem(mail._builders, "canary", lambda _mail: {"name": TEXT})
    monkeypatch.setattr("tenancy.services.mail_text.compose", composed)
    with public_scope():
        row = Mail.objects.create(kind="canary", to=EMAIL)
        mail.deliver(row.pk)
        assert Mail.objects.get(pk=row.pk).attempts == 1
    assert outbox.outbox == []
    assert leaks(log) == []


def test_hints_of_pages_hold_ids_only(log) -> None:
    contact = make_contact(name=TEXT)
    client = factories.client_for("agent")
    client.post(f"/contatos/{contact.public_id}/nome/", {"name": TEXT})
    assert found_in(redis_contents(redis_client())) == []
