"""Unknown tokens have a ceiling for each address; good ones and neighbours never meet it."""

import asyncio

import pytest

from messaging.ingest.receiver import app
from messaging.ingest.receiver.config import ReceiverConfig
from messaging.ingest.receiver.store import Outcome
from messaging.ingest.receiver.strangers import MEMORY, Strangers, address_of
from messaging.tests.receiver.test_app import ROUTE, SCOPE, TOKEN

BAD = (b"x-evosense-token", b"x" * 43)
GOOD = (b"x-evosense-token", TOKEN.encode())


def ask(receiver, *headers, peer="198.51.100.7"):
    """Return status and headers of one request."""
    sent = []

    async def run():
        async def receive():
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {**SCOPE, "headers": list(headers), "client": (peer, 4711)}
        await receiver.handle(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.fixture
def receiver(request):
    async def stored(_record):
        return Outcome.DATABASE

    async def nobody(_connection, _token):
        return None

    options = getattr(request, "param", {"strangers": 3})
    made = app.Receiver(ReceiverConfig("postgres://nowhere", **options))
    made._keeper.table.replace([ROUTE])
    made._keeper.ask = nobody
    made._store.put = stored
    return made


def test_a_guesser_is_slowed_and_told_when_to_come_back(receiver) -> None:
    assert [ask(receiver, BAD)[0] for _ in range(5)] == [404, 404, 404, 429, 429]
    assert ask(receiver, BAD)[1][b"retry-after"] == b"60"
    assert ask(receiver, BAD, peer="198.51.100.8")[0] == 404


def test_a_good_token_from_the_same_address_goes_on(receiver) -> None:
    for _ in range(10):
        ask(receiver, BAD)
    assert ask(receiver, GOOD)[0] == 200


def test_forged_headers_do_not_make_another_address(receiver) -> None:
    statuses = [
        ask(receiver, BAD, (b"x-forwarded-for", b"6.6.6.%d" % number))[0] for number in range(5)
    ]
    assert statuses[3:] == [429, 429]


@pytest.mark.parametrize("receiver", [{"strangers": 2, "trusted_proxies": 1}], indirect=True)
def test_behind_a_proxy_the_client_counts_not_the_proxy(receiver) -> None:
    def asked(client: bytes) -> int:
        return ask(receiver, BAD, (b"x-forwarded-for", b"1.1.1.1, " + client), peer="10.0.0.1")[0]

    assert [asked(b"198.51.100.7") for _ in range(3)] == [404, 404, 429]
    assert asked(b"198.51.100.9") == 404


def test_the_ceiling_refills_and_its_memory_is_bounded() -> None:
    now = [0.0]
    strangers = Strangers(60, clock=lambda: now[0])
    assert all(strangers.allows("a") for _ in range(60))
    assert not strangers.allows("a")
    now[0] = 2.0
    assert strangers.allows("a")
    for number in range(MEMORY + 10):
        strangers.allows(str(number))
    assert len(strangers._left) == MEMORY


def test_a_socket_without_a_peer_has_a_bucket_too() -> None:
    assert address_of({"headers": [], "client": None}, 1) == ""


@pytest.mark.parametrize("receiver", [{"https_only": True}], indirect=True)
def test_a_token_that_travelled_readable_is_refused_not_redirected(receiver) -> None:
    assert ask(receiver, GOOD, (b"x-forwarded-proto", b"http"))[0] == 403
    assert ask(receiver, GOOD, (b"x-forwarded-proto", b"https"))[0] == 200
    assert ask(receiver, GOOD)[0] == 200
