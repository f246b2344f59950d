import asyncio
import time
from uuid import uuid4

import pytest

from messaging.ingest.pairing_codes import code_key, pairing_key
from messaging.ingest.receiver.qr import QrShelf
from messaging.ingest.receiver.tokens import Route

ROUTE = Route(uuid4(), uuid4(), "evs-1", b"")
PLACE = (ROUTE.tenant_id, ROUTE.connection_id)
IMAGE = "data:image/png;base64,AA=="
HINTS = f"t:{ROUTE.tenant_id}:hints"


def code(text, **over):
    return {"code": f"2@{text}", "base64": IMAGE, **over}


async def publish(url, *codes):
    """Put (code, time of sending) one after the other, as the answers of separate requests."""
    waited = 0.0
    for one, sent in codes:
        shelf = QrShelf(url)
        started = time.perf_counter()
        shelf.put(ROUTE, one, sent)
        waited = max(waited, time.perf_counter() - started)
        await shelf.close()
    return waited


def shown(redis_db):
    found = redis_db.hgetall(code_key(*PLACE)) | redis_db.hgetall(pairing_key(*PLACE))
    return {name.decode(): value.decode() for name, value in found.items()}


def test_code_is_there_for_a_minute_and_pages_are_told(redis_db, settings):
    asyncio.run(publish(settings.REDIS_URL, (code("a"), "")))
    assert code_key(*PLACE) == f"t:{ROUTE.tenant_id}:qr:{ROUTE.connection_id}"
    assert shown(redis_db)["image"] == IMAGE
    assert 50 < redis_db.ttl(code_key(*PLACE)) <= 60
    ((_id, hint),) = redis_db.xrange(HINTS)
    assert hint[b"kind"] == b"pairing"
    assert hint[b"ids"].decode() == f'{{"connection_id":"{ROUTE.connection_id}"}}'
    assert b"2@a" not in b"".join(redis_db.hvals(pairing_key(*PLACE)))


def test_only_the_newest_code_is_kept_and_counted(redis_db, settings):
    told = [
        (code("a"), "2026-03-01T09:00:00.000Z"),
        (code("b", base64="data:image/png;base64,BB=="), "2026-03-01T09:00:45.000Z"),
        (code("b", base64="data:image/png;base64,BB=="), "2026-03-01T09:00:45.000Z"),
        (code("a"), "2026-03-01T09:00:00.000Z"),
    ]
    asyncio.run(publish(settings.REDIS_URL, *told))
    found = shown(redis_db)
    assert found["image"].endswith("BB==")
    assert (found["count"], found["sequence"]) == ("2", "2")
    assert redis_db.xlen(HINTS) == 2


def test_typed_code_that_comes_later_joins_its_picture(redis_db, settings):
    told = [(code("a"), ""), (code("a", pairingCode="WZYEH1YY"), ""), (code("a"), "")]
    asyncio.run(publish(settings.REDIS_URL, *told))
    found = shown(redis_db)
    assert (found["typed"], found["image"], found["count"]) == ("WZYEH1YY", IMAGE, "1")
    assert found["sequence"] == "2"


@pytest.mark.parametrize(
    "bad",
    [
        {"base64": "javascript:alert(1)"},
        {"base64": 'data:image/png;base64,AA"onerror=x'},
        {"base64": "data:image/svg+xml;base64,AA=="},
        {"base64": "data:image/png;base64," + "A" * 200_001},
        {"base64": ["x"], "pairingCode": "<b>12345</b>"},
    ],
)
def test_what_no_page_should_show_is_not_kept(redis_db, settings, bad):
    asyncio.run(publish(settings.REDIS_URL, ({"code": "2@a", **bad}, "")))
    assert shown(redis_db) == {}


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:9/0"])
def test_redis_away_neither_raises_nor_delays(url):
    assert asyncio.run(publish(url, (code("a"), ""))) < 0.05
