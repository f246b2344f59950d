import asyncio
import json
import time
from uuid import uuid4

import pytest

from messaging.ingest.receiver.qr import QrShelf, qr_key
from messaging.ingest.receiver.tokens import Route

ROUTE = Route(uuid4(), uuid4(), "evs-1", b"")
QR = {"code": "2@abc", "base64": "data:image/png;base64,AA=="}


async def publish(url):
    shelf = QrShelf(url)
    started = time.perf_counter()
    shelf.put(ROUTE, QR)
    waited = time.perf_counter() - started
    await shelf.close()
    return waited


def test_code_is_there_for_a_minute(redis_db, settings):
    asyncio.run(publish(settings.REDIS_URL))
    key = qr_key(ROUTE)
    assert key == f"t:{ROUTE.tenant_id}:qr:{ROUTE.connection_id}"
    assert json.loads(redis_db.get(key)) == QR
    assert 50 < redis_db.ttl(key) <= 60


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:9/0"])
def test_redis_away_neither_raises_nor_delays(url):
    assert asyncio.run(publish(url)) < 0.05
