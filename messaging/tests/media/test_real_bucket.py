"""The whole way of files through an S3 server that is not ours, where `moto_server` is installed.

What the other tests prove with our double of a bucket must hold with somebody else's S3.
"""

import io
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from evosense.core.schema import public_scope, tenant_scope
from evosense.env import Environment
from evosense.local.system import free_port
from evosense.settings.media import media_storage
from evosense.testing.databases import ALPHA
from messaging.models import MessageMedia
from messaging.services.media import (
    fetching,
    media_link,
    read_bytes,
    sources,
    store,
    store_upload,
    sweeping,
)
from messaging.tests.media import samples
from messaging.tests.media.test_media_host import body, get, keep
from tenancy.archive import files
from tenancy.archive.compare import compare_archive
from tenancy.archive.export import export_tenant
from tenancy.archive.restore import import_tenant
from tenancy.models import Tenant
from tenancy.services import archives

SERVER = shutil.which("moto_server")
PASSPHRASE = "correct horse battery staple"
pytestmark = pytest.mark.skipif(
    SERVER is None, reason="needs moto_server: pip install moto[server]"
)


@pytest.fixture(scope="module")
def endpoint():
    port = free_port()
    process = subprocess.Popen(
        [str(SERVER), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                break
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["", "AES256", "aws:kms"])
def encryption(request):
    return request.param


@pytest.fixture
def bucket(endpoint, encryption, settings, monkeypatch):
    """Yield boto's bucket behind the storage that the settings make."""
    for name, value in {
        "MEDIA_S3_BUCKET": "evosense",
        "MEDIA_S3_ENDPOINT": endpoint,
        "MEDIA_S3_REGION": "us-east-1",
        "MEDIA_S3_KEY_ID": "key",
        "MEDIA_S3_SECRET": "secret",
        "MEDIA_S3_ADDRESSING": "path",
        "MEDIA_S3_ENCRYPTION": encryption,
        "MEDIA_S3_KMS_KEY": "our-key" if encryption == "aws:kms" else "",
    }.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "default": media_storage(Environment())}
    found = default_storage.bucket
    found.create()
    yield found
    found.objects.all().delete()
    found.delete()


def names(bucket) -> set[str]:
    return {one.key for one in bucket.objects.all()}


def test_an_upload_is_stored_encrypted_under_a_name_that_tells_nothing(tenant, bucket, encryption):
    upload = store_upload(SimpleUploadedFile("segredo.jpg", samples.picture()))
    name = f"tenants/{ALPHA.id}/{upload.storage_key}"
    assert names(bucket) == {name, f"{name}-thumb"}
    told = bucket.Object(name).get()
    assert told.get("ServerSideEncryption", "") == encryption
    assert ("our-key" in told.get("SSEKMSKeyId", "")) is (encryption == "aws:kms")
    assert told["Body"].read() == read_bytes(upload.storage_key)
    small = Image.open(io.BytesIO(read_bytes(upload.thumb_key)))
    assert small.format == "WEBP"
    # Nobody but the owner of the bucket.
    grants = bucket.Object(name).Acl().grants
    assert [one["Grantee"]["Type"] for one in grants] == ["CanonicalUser"]


@pytest.mark.parametrize("encryption", ["aws:kms"], indirect=True)
def test_a_received_file_goes_through_the_media_host_whole_and_in_parts(
    make_media, bucket, monkeypatch
):
    film = samples.MP4 + bytes(range(256)) * 8000
    monkeypatch.setattr(sources, "from_server", lambda _media, _raw: film)
    media = make_media("video")
    fetching.fetch_one(media.pk)
    media.refresh_from_db()
    assert (media.status, media.mime, media.size) == ("stored", "video/mp4", len(film))
    answer = get(media_link(media))
    assert (answer.status_code, body(answer)) == (200, film)
    answer = get(media_link(media), range="bytes=100000-100099")
    assert (answer.status_code, body(answer)) == (206, film[100000:100100])
    assert answer["Content-Range"] == f"bytes 100000-100099/{len(film)}"
    answer = get(media_link(media), range="bytes=-50")
    assert body(answer) == film[-50:]
    assert get(media_link(media), range=f"bytes={len(film)}-").status_code == 416
    assert get(media_link(media, download=True))["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("encryption", [""], indirect=True)
def test_what_is_gone_and_what_is_empty_is_told_honestly(make_media, bucket):
    media = keep(make_media("video", mime="video/mp4"), b"x")
    empty = keep(make_media("video", mime="video/mp4"), b"")
    assert body(get(media_link(empty))) == b""
    store.delete(media.storage_key)
    assert get(media_link(media)).status_code == 404
    with pytest.raises(FileNotFoundError):
        read_bytes(media.storage_key)
    bucket.objects.all().delete()
    bucket.delete()
    answer = get(media_link(empty))
    bucket.create()
    assert answer.status_code in {404, 503}


@pytest.mark.parametrize("encryption", [""], indirect=True)
def test_a_list_of_more_than_one_page_is_whole(tenant, bucket):
    kept = [f"media/2026/01/{number:040x}" for number in range(1005)]
    for name in kept:
        bucket.put_object(Key=f"tenants/{ALPHA.id}/{name}", Body=b"1")
    assert list(files.names_of(ALPHA.id)) == kept


@pytest.mark.parametrize("encryption", [""], indirect=True)
def test_orphans_and_a_company_that_goes(tenant, bucket, monkeypatch):
    other = f"tenants/{UUID(int=7)}/media/2026/01/{1:040x}"
    bucket.put_object(Key=other, Body=b"stays")
    upload = store_upload(SimpleUploadedFile("a.pdf", samples.PDF))
    store.save(store.new_key(), io.BytesIO(b"nobody's"))
    monkeypatch.setattr(sweeping, "UNUSED_FOR", timedelta(days=-1))
    assert sweeping.drop_orphans() == 1
    assert names(bucket) == {f"tenants/{ALPHA.id}/{upload.storage_key}", other}
    assert files.delete_files(ALPHA.id) == 1
    assert names(bucket) == {other}


@pytest.mark.parametrize("encryption", ["AES256"], indirect=True)
def test_a_company_leaves_and_comes_with_its_files(make_media, tenant, committed, bucket):
    media = keep(make_media("image", mime="image/jpeg"), samples.picture(), b"RIFFthumb")
    large = keep(make_media("document", mime="application/pdf"), bytes(9 * 1024 * 1024))
    file = io.BytesIO()
    done = export_tenant(ALPHA, file, passphrase=PASSPHRASE)
    assert done.files == 3
    file.seek(0)
    import_tenant(file, PASSPHRASE, slug="copia")
    with public_scope():
        copy = Tenant.objects.get(slug="copia")
    with tenant_scope(copy.ref):
        found = MessageMedia.objects.get(pk=media.pk)
        assert read_bytes(found.storage_key) == samples.picture()
        assert body(get(media_link(found, "thumb"))) == b"RIFFthumb"
        assert store.size_of(large.storage_key) == 9 * 1024 * 1024
    file.seek(0)
    assert compare_archive(file, PASSPHRASE, copy).different == 0


@pytest.mark.parametrize("encryption", ["AES256"], indirect=True)
def test_an_archive_that_an_owner_asked_for_waits_in_the_bucket(
    make_media, tenant, committed, bucket
):
    keep(make_media("image", mime="image/jpeg"), samples.picture())
    waiting = archives.request(passphrase=PASSPHRASE, asked_by="dona@alpha.example")
    assert archives.make(waiting.pk)
    ready, file = archives.open_archive(ALPHA.id, waiting.pk)
    with file:
        assert len(file.read()) == ready.size
    assert ready.file in names(bucket)
