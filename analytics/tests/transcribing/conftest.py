"""A company whose recordings a fake server writes down."""

import io
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from analytics.models import AiSettings
from analytics.providers import windows
from analytics.providers.fake import FakeProvider
from analytics.providers.models import Provider
from analytics.tests.providers.helpers import make_provider
from messaging.models import MessageMedia
from messaging.services.media import store
from messaging.tests.factories import make_message

SOUND = b"OggS voice \x00\xff\r\n--x\r\n of somebody"
_numbers = count(1)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the tests before is counted, and a slow server is slower than our patience."""
    monkeypatch.setattr("analytics.providers.fake.modes.SLOW_SECONDS", 0.6)
    windows._local.clear()


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture
def provider(tenant: Any, fake: FakeProvider) -> Provider:
    """Return the provider that the company has its recordings written down by."""
    return chosen(fake)


def chosen(fake: FakeProvider, **over: Any) -> Provider:
    row = make_provider(
        fake.base_url, **{"name": f"Som {next(_numbers)}", "transcription_model": "hear-1", **over}
    )
    AiSettings.objects.update_or_create(pk=1, defaults={"provider_id": row.pk, "transcribes": True})
    return row


@pytest.fixture
def record(tenant: Any) -> Callable[..., MessageMedia]:
    return recorded


def recorded(
    content: bytes | None = SOUND, message: dict[str, Any] | None = None, **over: Any
) -> MessageMedia:
    """Return a recording in our storage; without `content` only its row."""
    key = store.new_key()
    if content is not None:
        store.save(key, io.BytesIO(content))
    spoken = make_message(**{"text": "", "type": "audio", "subtype": "voice", **(message or {})})
    fields = {
        "kind": "audio",
        "mime": "audio/ogg; codecs=opus",
        "status": "stored",
        "storage_key": key,
        "size": len(content or SOUND),
        "seconds": 4,
        **over,
    }
    return MessageMedia.objects.create(message=spoken, **fields)
