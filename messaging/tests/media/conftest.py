import pytest
from django.core.files.storage import default_storage

from messaging.models import Message, MessageMedia
from messaging.tests.factories import make_message


@pytest.fixture(autouse=True)
def _empty_storage():
    """The storage is one of the process and tests elsewhere leave files: empty it on both sides."""
    _empty_all()
    yield
    _empty_all()


def _empty_all() -> None:
    for name in default_storage.listdir("")[0] if default_storage.exists("tenants") else ():
        _empty(name)


def _empty(folder: str) -> None:
    folders, files = default_storage.listdir(folder)
    for name in files:
        default_storage.delete(f"{folder}/{name}")
    for name in folders:
        _empty(f"{folder}/{name}")
        default_storage.delete(f"{folder}/{name}")


@pytest.fixture
def make_media(tenant):
    """Return `make_media(kind="image", message={…}, **columns)`: a file of a fresh message."""
    from django.utils import timezone

    def making(kind: str = "image", message: dict | None = None, **over) -> MessageMedia:
        now = timezone.now()
        fields = {"type": kind, "occurred_at": now, "received_at": now, **(message or {})}
        if fields["type"] not in Message.Type.values:
            fields["type"] = "document"
        return MessageMedia.objects.create(message=make_message(**fields), kind=kind, **over)

    return making
