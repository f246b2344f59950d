"""Uploads: checked as what comes in, attached to messages, swept when nobody used them."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    SimpleUploadedFile,
    TemporaryUploadedFile,
)
from django.utils import timezone

from evosense.core.actor import Actor, acting
from evosense.core.errors import Invalid, NotFound
from evosense.testing.threads import run_threads
from messaging.models import Upload
from messaging.services.media import attach, read_bytes, store, store_upload, sweeping, uploads
from messaging.tests.factories import make_message
from messaging.tests.media import samples
from messaging.tests.media.test_fetching import files


def upload(raw: bytes, name: str = "a.bin", kind: str = "application/octet-stream") -> Upload:
    return store_upload(SimpleUploadedFile(name, raw, kind))


def aged(one: Upload) -> Upload:
    Upload.objects.filter(pk=one.pk).update(created_at=timezone.now() - timedelta(days=2))
    return one


def test_an_upload_is_what_its_bytes_are(tenant):
    with acting(Actor(kind="user", id="7")):
        found = upload(samples.lying_picture(), "../../etc/fé<rias>.exe.jpg", "text/html")
    assert (found.kind, found.mime, found.width, found.height) == ("image", "image/jpeg", 200, 400)
    assert found.name == "fé_rias_.exe.jpg"
    assert found.actor_user_id == 7
    assert read_bytes(found.thumb_key)[:4] == b"RIFF"
    assert len(read_bytes(found.storage_key)) == found.size


@pytest.mark.parametrize(
    ("raw", "declared", "mime"),
    [
        (samples.WEBM_SOUND, "audio/webm;codecs=opus", "audio/webm"),
        (samples.OPUS, "audio/ogg; codecs=opus", "audio/ogg"),
        (samples.MP4, "audio/mp4", "audio/mp4"),
    ],
)
def test_recordings_of_browsers_are_sounds(tenant, raw, declared, mime):
    found = upload(raw, "blob", declared)
    assert (found.kind, found.mime) == ("audio", mime)


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "file_empty"), (samples.EXE, "file_wrong_type"), (samples.bomb(), "file_too_large")],
    ids=["empty", "program", "bomb"],
)
def test_refusals_name_the_field_and_leave_nothing(tenant, raw, code):
    with pytest.raises(Invalid) as refusal:
        upload(raw, "foto.jpg")
    assert (refusal.value.code, refusal.value.field) == (code, "file")
    assert str(refusal.value.message)
    assert not Upload.objects.exists()
    assert files() == []


def test_large_files_are_read_in_pieces(tenant, monkeypatch):
    sizes: list[int] = []
    film = TemporaryUploadedFile("filme.mp4", "video/mp4", 0, None)
    film.write(samples.MP4 + bytes(8 * 1024 * 1024))
    real = film.file.file.read

    def reading(size: int = -1) -> bytes:
        part = real(size)
        sizes.append(len(part))
        return part

    monkeypatch.setattr(film.file, "read", reading, raising=False)
    found = store_upload(film)
    assert found.size == len(samples.MP4) + 8 * 1024 * 1024
    assert max(sizes) <= 64 * 1024
    in_memory = InMemoryUploadedFile(
        io.BytesIO(samples.PDF), "file", "a.pdf", "application/pdf", len(samples.PDF), None
    )
    assert store_upload(in_memory).mime == "application/pdf"


def test_a_message_takes_an_upload(tenant):
    one = upload(samples.picture(), "foto.jpg")
    media = attach(one, make_message(type="image", direction="outbound"))
    one.refresh_from_db()
    assert one.used_at
    assert (media.status, media.kind, media.storage_key, media.thumb_key) == (
        "stored",
        "image",
        one.storage_key,
        one.thumb_key,
    )
    assert (media.width, media.height, media.name) == (800, 600, "foto.jpg")
    as_document = attach(one, make_message(type="document", direction="outbound"))
    assert as_document.kind == "document"
    forwarded = attach(media, make_message(type="image", direction="outbound"))
    assert forwarded.storage_key == one.storage_key


def test_unused_uploads_go_after_a_day_and_used_ones_stay(tenant):
    fresh, old, used = (upload(samples.PDF) for _ in range(3))
    aged(old)
    attach(aged(used), make_message(type="document", direction="outbound"))
    assert sweeping.drop_unused() == 1
    assert set(Upload.objects.values_list("pk", flat=True)) == {fresh.pk, used.pk}
    assert len(files()) == 2
    with pytest.raises(NotFound):
        attach(old, make_message(type="document", direction="outbound"))


def test_a_storage_that_is_away_is_no_upload(tenant, monkeypatch):
    def failing(*_arguments):
        raise store.StoreAway("x")

    monkeypatch.setattr(uploads.store, "save", failing)
    with pytest.raises(Invalid) as refusal:
        upload(samples.PDF)
    assert refusal.value.code == "storage_away"
    aged(Upload.objects.get())
    assert sweeping.drop_unused() == 1, "its row is swept with whatever was written"


def test_taking_and_sweeping_at_once_never_leave_a_message_without_its_file(committed, tenant):
    from evosense.core.schema import tenant_scope
    from evosense.testing.databases import ALPHA

    for _ in range(8):
        one = aged(upload(samples.PDF))
        message = make_message(type="document", direction="outbound")

        def taking(one=one, message=message) -> bool:
            with tenant_scope(ALPHA):
                try:
                    attach(one, message)
                except NotFound:
                    return False
                return True

        def sweeping_up() -> int:
            with tenant_scope(ALPHA):
                return sweeping.drop_unused()

        taken, swept = run_threads([taking, sweeping_up])
        assert taken is not bool(swept)
        if taken:
            assert read_bytes(one.storage_key) == samples.PDF


def test_files_that_no_row_names_are_swept(make_media, monkeypatch):
    kept = make_media(status="stored", storage_key=store.new_key())
    store.save(kept.storage_key, io.BytesIO(b"1"))
    store.save(store.thumb_of(kept.storage_key), io.BytesIO(b"2"))
    used = upload(samples.PDF)
    lost = store.new_key()
    store.save(lost, io.BytesIO(b"3"))
    store.save(store.thumb_of(lost), io.BytesIO(b"4"))
    assert sweeping.drop_orphans() == 0, "it is young: its row may just be on its way"
    monkeypatch.setattr(sweeping, "UNUSED_FOR", timedelta(0))
    assert sweeping.drop_orphans() == 1
    names = {name.removesuffix("-thumb") for name in files()}
    assert names == {one.storage_key.rpartition("/")[2] for one in (kept, used)}


def test_nothing_is_swept_where_there_is_nothing(tenant):
    assert not default_storage.exists(f"tenants/{tenant.id}/media")
    assert sweeping.drop_orphans() == 0
