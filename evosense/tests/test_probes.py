"""A database that hangs neither silences the probes nor makes them open connections at will."""

import asyncio
import json
import socket
import time
from contextlib import contextmanager

import pytest
from django.test import Client

from evosense import probes
from evosense.composition import compose


@contextmanager
def hung_server():
    """What a stopped PostgreSQL looks like: the kernel accepts, nobody answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"postgres://a:b@127.0.0.1:{server.getsockname()[1]}/c", server


async def unreachable(_scope, _receive, _send):
    raise AssertionError("the probe waits for a thread of Django")


async def ask(path, method="GET"):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method}
    await compose(unreachable)(scope, None, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.fixture
def hung(settings):
    with hung_server() as (url, server):
        settings.DATABASE_URL = url
        yield server


@pytest.fixture(autouse=True)
def _redis(redis_db):
    """Redis answers."""


def test_alive_needs_neither_database_nor_thread(hung):
    status, body = asyncio.run(ask("/healthz"))
    assert (status, json.loads(body)) == (200, {"status": "alive"})


def test_ready():
    status, body = asyncio.run(ask("/readyz"))
    assert (status, json.loads(body)) == (
        200,
        {"status": "ready", "database": "ok", "redis": "ok"},
    )


@pytest.mark.parametrize("by_django", [False, True])
def test_hung_database_is_told_within_two_seconds(hung, by_django):
    # Django imports its pages for the first request.
    Client().get("/healthz")
    started = time.monotonic()
    if by_django:
        answer = Client().get("/readyz")
        status, body = answer.status_code, answer.content
    else:
        status, body = asyncio.run(ask("/readyz"))
    assert time.monotonic() - started < probes.LIMIT_SECONDS + 10, "a slow machine, not a hang"
    assert probes.LIMIT_SECONDS < 2
    assert (status, json.loads(body)) == (
        503,
        {"status": "unready", "database": "down", "redis": "ok"},
    )


def test_redis_away_is_degraded(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, body = asyncio.run(ask("/readyz"))
    assert (status, json.loads(body)["status"]) == (200, "degraded")


def test_many_probes_ask_once(hung):
    async def many():
        return await asyncio.gather(*(ask("/readyz") for _ in range(20)))

    assert {status for status, _ in asyncio.run(many())} == {503}
    hung.settimeout(0)
    hung.accept()
    with pytest.raises(BlockingIOError):
        hung.accept()


def test_probes_take_no_other_method():
    assert asyncio.run(ask("/readyz", "POST"))[0] == 405
    assert asyncio.run(ask("/healthz", "HEAD")) == (200, b"")
