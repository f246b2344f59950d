"""Files in a bucket instead of on the disk: the same pages, private, encrypted, in parts."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evosense.core.errors import Invalid
from evosense.env import Environment
from evosense.settings.media import media_storage, read_media
from evosense.testing.databases import ALPHA
from messaging.services.media import media_link, read_bytes, store, store_upload, sweeping
from messaging.tests.media import samples
from messaging.tests.media.bucket import running_bucket
from messaging.tests.media.test_media_host import body, get, keep
from tenancy.archive import files


@pytest.fixture
def bucket(settings, monkeypatch):
    with running_bucket() as (endpoint, found):
        for name, value in {
            "MEDIA_S3_BUCKET": "evosense",
            "MEDIA_S3_ENDPOINT": endpoint,
            "MEDIA_S3_REGION": "us-east-1",
            "MEDIA_S3_KEY_ID": "key",
            "MEDIA_S3_SECRET": "secret",
            "MEDIA_S3_ADDRESSING": "path",
            "MEDIA_S3_ENCRYPTION": "aws:kms",
            "MEDIA_S3_KMS_KEY": "our-key",
        }.items():
            monkeypatch.setenv(name, value)
        settings.STORAGES = {**settings.STORAGES, "default": media_storage(Environment())}
        yield found


def test_files_are_private_and_encrypted(tenant, bucket):
    upload = store_upload(SimpleUploadedFile("foto.jpg", samples.picture()))
    name = f"tenants/{ALPHA.id}/{upload.storage_key}"
    assert set(bucket.objects) == {name, f"{name}-thumb"}
    told = bucket.headers[name]
    # Buckets without ACLs refuse even "private"; several servers refuse checksums.
    assert not [one for one in told if one.startswith(("x-amz-acl", "x-amz-checksum", "x-amz-sdk"))]
    assert told["x-amz-server-side-encryption"] == "aws:kms"
    assert told["x-amz-server-side-encryption-aws-kms-key-id"] == "our-key"
    assert read_bytes(upload.storage_key) == bucket.objects[name]


def test_the_media_host_reads_parts_and_not_the_whole(make_media, bucket):
    media = keep(make_media("video", mime="video/mp4"), bytes(range(200)) * 10)
    answer = get(media_link(media), range="bytes=100-149")
    assert (answer.status_code, body(answer)) == (206, bytes(range(100, 150)))
    assert bucket.ranges == ["bytes=100-149"]
    assert body(get(media_link(media))) == bytes(range(200)) * 10
    bucket.objects.clear()
    assert get(media_link(media)).status_code == 404


def test_a_bucket_that_is_away_takes_nothing(tenant, bucket):
    bucket.is_away = True
    with pytest.raises(Invalid, match="storage_away"):
        store_upload(SimpleUploadedFile("a.pdf", samples.PDF))


def test_a_bucket_that_is_away_is_an_error_that_senders_know(make_media, bucket):
    media = keep(make_media("video", mime="video/mp4"), b"x")
    with pytest.raises(FileNotFoundError):
        read_bytes(store.new_key())
    bucket.is_away = True
    with pytest.raises(OSError, match="ClientError"):
        read_bytes(media.storage_key)
    assert get(media_link(media)).status_code == 503


def test_a_company_that_goes_takes_its_files_along(tenant, bucket):
    store_upload(SimpleUploadedFile("foto.jpg", samples.picture()))
    bucket.objects["tenants/other/media/x"] = b"stays"
    assert len(list(files.names_of(ALPHA.id))) == 2
    assert files.delete_files(ALPHA.id) == 2
    assert set(bucket.objects) == {"tenants/other/media/x"}


def test_orphans_are_found_in_a_bucket(tenant, bucket, monkeypatch):
    lost = store.new_key()
    store.save(lost, io.BytesIO(b"1"))
    monkeypatch.setattr(sweeping, "UNUSED_FOR", -sweeping.UNUSED_FOR)
    assert sweeping.drop_orphans() == 1
    assert not bucket.objects


def test_settings_that_make_no_sense_are_named(monkeypatch):
    monkeypatch.setenv("MEDIA_S3_BUCKET", "b")
    monkeypatch.setenv("MEDIA_S3_ENCRYPTION", "rot13")
    monkeypatch.setenv("MEDIA_FAMILIES", "image,programs")
    monkeypatch.setenv("MEDIA_SCANNER", "http://clamav")
    env = Environment()
    media_storage(env)
    read_media(env)
    with pytest.raises(Exception, match="MEDIA_S3_ENCRYPTION") as problems:
        env.require_complete()
    assert "'programs'" in str(problems.value)
    assert "MEDIA_SCANNER" in str(problems.value)
