"""Event streams: the ticket decides the tenant, nothing is missed silently, nobody lingers."""

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.conf import settings

from evosense import streams_app
from evosense.core import streams
from evosense.core.stream_ticket import issue_ticket
from tenancy.permissions import hidden_hints, permissions_of

ONE, TWO = uuid4(), uuid4()


@pytest.fixture(autouse=True)
def _redis_url(redis_db, monkeypatch):
    monkeypatch.setitem(os.environ, "REDIS_URL", settings.REDIS_URL)
    monkeypatch.setattr(streams_app, "_clients", {})


class Browser:
    """One EventSource: collects what the application sends."""

    def __init__(self, query: str, *, method: str = "GET", last_id: str = "") -> None:
        headers = [(b"last-event-id", last_id.encode())] if last_id else []
        self.scope = {
            "type": "http",
            "method": method,
            "path": "/eventos",
            "query_string": query.encode(),
            "headers": headers,
        }
        self.status = 0
        self.text = ""
        self.changed = asyncio.Event()
        self.closed = asyncio.Event()

    async def receive(self):
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        self.changed.set()

    async def sees(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in self.text:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def connected(tenant_id, **options):
    hidden, session = options.pop("hidden", ()), options.pop("session", "")
    said = issue_ticket(tenant_id=tenant_id, user_id=1, session=session, hidden=hidden)
    ticket = quote(said)
    browser = Browser(f"ticket={ticket}&cursor={options.pop('cursor', '')}", **options)
    task = asyncio.create_task(
        streams_app.application(browser.scope, browser.receive, browser.send)
    )
    try:
        yield browser
    finally:
        browser.closed.set()
        await asyncio.wait_for(task, 60)
        await streams_app._client().aclose()
        streams_app._clients.clear()


def last_id(text: str) -> str:
    return [line[4:] for line in text.splitlines() if line.startswith("id: ")][-1]


async def publish(tenant_id, kind, **ids) -> None:
    await asyncio.to_thread(streams.publish, tenant_id, kind, ids)


def test_a_hint_reaches_its_own_tenant_only() -> None:
    async def scenario():
        async with connected(ONE) as browser:
            await browser.sees("event: hello")
            await publish(TWO, "messages", conversation_ids=[99])
            await publish(ONE, "messages", conversation_ids=[1])
            await browser.sees('data: {"conversation_ids":[1]}')
            assert "[99]" not in browser.text

    asyncio.run(scenario())


def test_a_role_is_not_told_of_what_it_may_not_see() -> None:
    async def scenario():
        hidden = hidden_hints(permissions_of("viewer", ["contacts.view"]))
        async with connected(ONE, hidden=hidden) as browser:
            await browser.sees("event: hello")
            await publish(ONE, "messages", conversation_ids=[5])
            await publish(ONE, "contacts", contact_ids=[6])
            await browser.sees('data: {"contact_ids":[6]}')
            assert "conversation_ids" not in browser.text

    asyncio.run(scenario())


def test_who_is_shown_out_hears_nothing_more_and_others_go_on() -> None:
    async def scenario():
        async with connected(ONE) as browser:
            await browser.sees("event: hello")
            await asyncio.to_thread(streams.show_out, ONE, 2)
            await publish(ONE, "messages", conversation_ids=[1])
            await browser.sees('data: {"conversation_ids":[1]}')
            assert "person.left" not in browser.text
            await asyncio.to_thread(streams.show_out, ONE, 1)
            await browser.sees("event: bye")
        async with connected(ONE) as browser:
            await browser.sees("event: bye")
            assert "hello" not in browser.text
        await asyncio.to_thread(streams.let_in, ONE, 1)
        async with connected(ONE) as browser:
            await browser.sees("event: hello")

    asyncio.run(scenario())


def test_a_log_in_that_ended_takes_its_own_streams_with_it() -> None:
    async def scenario():
        async with (
            connected(ONE, session="phone") as phone,
            connected(ONE, session="desk") as desk,
        ):
            await phone.sees("event: hello")
            await desk.sees("event: hello")
            await asyncio.to_thread(streams.end_sessions, ONE, ["phone"])
            await phone.sees("event: bye")
            await publish(ONE, "messages", conversation_ids=[1])
            await desk.sees('data: {"conversation_ids":[1]}')
        async with connected(ONE, session="phone") as phone:
            await phone.sees("event: bye")
            assert "hello" not in phone.text
        async with connected(ONE, session="new") as phone:
            await phone.sees("event: hello")

    asyncio.run(scenario())


def test_what_was_missed_is_replayed_after_the_last_id() -> None:
    async def scenario():
        await publish(ONE, "messages", conversation_ids=[1])
        async with connected(ONE) as browser:
            await browser.sees("event: hello")
            place = last_id(browser.text)
        await publish(ONE, "messages", conversation_ids=[2])
        async with connected(ONE, last_id=place) as again:
            await again.sees('data: {"conversation_ids":[2]}')
            assert "[1]" not in again.text

    asyncio.run(scenario())


def test_a_place_that_is_gone_means_resync(monkeypatch) -> None:
    monkeypatch.setattr(streams, "KEEP", 2)

    async def scenario():
        await publish(ONE, "messages", conversation_ids=[1])
        await publish(ONE, "messages", conversation_ids=[2])
        async with connected(ONE, cursor="1-0") as browser:
            await browser.sees("event: resync")

    asyncio.run(scenario())


def test_a_page_hears_what_happened_while_it_was_rendered() -> None:
    async def scenario():
        rendered = streams.cursor_of(datetime.now(UTC) - timedelta(seconds=1))
        await publish(ONE, "messages", conversation_ids=[1])
        async with connected(ONE, cursor=rendered) as browser:
            await browser.sees('data: {"conversation_ids":[1]}')
            assert "resync" not in browser.text

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("query", "method", "status"),
    [("", "GET", 403), ("ticket=forged", "GET", 403), ("", "POST", 405)],
)
def test_without_a_valid_ticket_there_is_no_stream(query, method, status) -> None:
    async def scenario():
        browser = Browser(query, method=method)
        await streams_app.application(browser.scope, browser.receive, browser.send)
        assert (browser.status, browser.text) == (status, "")

    asyncio.run(scenario())


def test_a_stream_leaves_nothing_behind_when_the_browser_goes() -> None:
    async def scenario():
        before = streams_app._open_streams
        async with connected(ONE) as browser:
            await browser.sees("event: hello")
            assert streams_app._open_streams == before + 1
        assert streams_app._open_streams == before
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())
