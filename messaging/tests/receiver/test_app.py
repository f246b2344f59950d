"""What needs no server: time-outs, disconnects, bugs, and the lifespan."""

import asyncio
import logging
from uuid import uuid4

import pytest

from messaging.ingest.receiver import app
from messaging.ingest.receiver.config import ReceiverConfig
from messaging.ingest.receiver.tokens import Route
from messaging.tests.receiver.servers import digest

TOKEN = "t" * 43
ROUTE = Route(uuid4(), uuid4(), "evs-1", digest(TOKEN))
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": f"/hooks/evo/{ROUTE.connection_id}",
    "headers": [(b"x-evosense-token", TOKEN.encode())],
}


def answer_to(*messages, store=None, **settings):
    """Run one request of a receiver that is not started; returns what it sent."""

    async def run():
        receiver = app.Receiver(ReceiverConfig("postgres://nowhere", **settings))
        receiver._keeper.table.replace([ROUTE])
        if store:
            receiver._store.put = store
        waiting, sent = list(messages), []

        async def receive():
            return waiting.pop(0) if waiting else await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        await receiver.handle(SCOPE, receive, send)
        return sent

    return asyncio.run(run())


def chunk(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_body_that_never_ends_is_given_up():
    sent = answer_to(chunk(b"{", more=True), body_timeout=0.05)
    assert sent[0]["status"] == 408


def test_nobody_is_answered_after_a_disconnect():
    assert answer_to(chunk(b"{", more=True), {"type": "http.disconnect"}) == []


def test_bug_while_storing_is_a_503_and_never_a_500():
    def broken(record):
        raise ZeroDivisionError

    sent = answer_to(chunk(b"{}"), store=broken)
    assert (sent[0]["status"], (b"retry-after", b"30") in sent[0]["headers"]) == (503, True)


def test_start_without_settings_fails_instead_of_refusing_for_ever(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    sent = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message)

    asyncio.run(app.application({"type": "lifespan"}, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "DATABASE_URL" in sent[0]["message"]


def test_access_log_has_no_tokens(caplog):
    app._hide_tokens_in_access_log()
    log = logging.getLogger("uvicorn.access")
    monkey = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        "",
        0,
        '%s - "%s %s HTTP/%s" %d',
        ("1.2.3.4:5", "POST", f"{SCOPE['path']}/{TOKEN}", "1.1", 200),
        None,
    )
    assert log.filter(monkey)
    assert TOKEN not in monkey.getMessage()
    assert SCOPE["path"] in monkey.getMessage()


@pytest.mark.parametrize("scope", [{"type": "http", "method": "POST", "path": "/hooks/evo/x"}])
def test_receiver_that_was_not_started_asks_to_retry(scope):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(app.application(scope, None, send))
    assert sent[0]["status"] == 503
