"""The media host: a signed link or nothing, no cookies, nothing that a browser would interpret."""

import io
import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from evosense.core.errors import Conflict
from evosense.core.schema import current_tenant, public_scope, tenant_scope
from evosense.testing.databases import ALPHA, BETA
from messaging.models import MessageMedia, Upload
from messaging.services.media import links, media_link, store
from messaging.tests.media import samples
from tenancy.models import Tenant
from tenancy.services import slugs
from tenancy.services.host_names import checked_host

HOST = settings.MEDIA_HOST


def keep(media: MessageMedia, raw: bytes, thumb: bytes = b"") -> MessageMedia:
    key = store.new_key()
    store.save(key, io.BytesIO(raw))
    if thumb:
        store.save(store.thumb_of(key), io.BytesIO(thumb))
        media.thumb_key = store.thumb_of(key)
    media.storage_key, media.status, media.size = key, "stored", len(raw)
    media.save()
    return media


def get(url: str, client: Client | None = None, **headers: str):
    parts = urlsplit(url)
    return (client or Client()).get(parts.path, headers={"host": HOST, **headers})


@pytest.fixture
def photo(make_media):
    return keep(make_media(mime="image/jpeg", name="férias.jpg"), samples.picture(), b"RIFFthumb")


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_link_opens_the_file_and_its_small_copy(photo):
    answer = get(media_link(photo))
    assert (answer.status_code, body(answer)) == (200, samples.picture())
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"] == "inline; filename*=utf-8''f%C3%A9rias.jpg"
    assert answer["Content-Length"] == str(len(samples.picture()))
    assert re.fullmatch(r"private, max-age=\d+", answer["Cache-Control"])
    small = get(media_link(photo, "thumb"))
    assert (small["Content-Type"], body(small)) == ("image/webp", b"RIFFthumb")
    assert get(media_link(photo, download=True))["Content-Disposition"].startswith("attachment")


def test_every_answer_stands_alone(photo, client_for):
    client = client_for("admin")
    for url in (media_link(photo), f"{settings.MEDIA_ORIGIN}/", f"{settings.MEDIA_ORIGIN}/conta/"):
        answer = get(url, client)
        assert not answer.cookies
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer["Content-Security-Policy"].endswith("; sandbox")
        assert "Cookie" not in answer.get("Vary", "")
    assert get(f"{settings.MEDIA_ORIGIN}/healthz").status_code == 200
    assert get(f"{settings.MEDIA_ORIGIN}/entrar/").status_code == 404
    assert get(f"{settings.MEDIA_ORIGIN}/static/css/base.css").status_code == 404
    assert Client().post("/", headers={"host": HOST}).status_code == 405


def test_no_page_of_a_company_or_the_house_answers_there(photo):
    path = urlsplit(media_link(photo)).path
    for host in ("alpha.testserver", settings.PUBLIC_HOST):
        assert Client().get(path, headers={"host": host}).status_code == 404


@pytest.mark.parametrize(
    ("kind", "mime", "disposition", "served"),
    [
        ("image", "image/png", "inline", "image/png"),
        ("sticker", "image/webp", "inline", "image/webp"),
        ("audio", "audio/ogg", "inline", "audio/ogg"),
        ("video", "video/mp4", "inline", "video/mp4"),
        ("document", "application/pdf", "attachment", "application/pdf"),
        ("document", "image/jpeg", "attachment", "image/jpeg"),
        ("document", "text/html", "attachment", "application/octet-stream"),
        ("image", "image/svg+xml", "attachment", "application/octet-stream"),
        ("video", "text/html", "attachment", "application/octet-stream"),
        ("document", "application/zip", "attachment", "application/octet-stream"),
    ],
)
def test_only_what_we_know_is_shown_in_place(make_media, kind, mime, disposition, served):
    answer = get(media_link(keep(make_media(kind, mime=mime), b"x" * 10)))
    assert answer["Content-Type"] == served
    assert answer["Content-Disposition"].partition(";")[0] == disposition


def test_names_cannot_leave_their_header(make_media):
    media = keep(make_media("document", mime="text/plain", name='a"\r\nSet-Cookie: x.txt'), b"x")
    answer = get(media_link(media))
    assert not answer.cookies
    assert "\n" not in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=0-", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_players_ask_for_parts(make_media, asked, status, said):
    media = keep(make_media("audio", mime="audio/ogg"), b"0123456789")
    answer = get(media_link(media), range=asked)
    assert answer.status_code == status
    if said is None:
        assert answer["Content-Range"] == "bytes */10"
        return
    assert body(answer) == said
    assert int(answer["Content-Length"]) == len(said)
    start = b"0123456789".index(said)
    expected = f"bytes {start}-{start + len(said) - 1}/10" if status == 206 else None
    assert answer.get("Content-Range") == expected


def test_a_browser_that_has_it_is_told_so(photo):
    tag = get(media_link(photo))["ETag"]
    assert get(media_link(photo), **{"if-none-match": tag}).status_code == 304
    other = get(media_link(photo), **{"if-range": '"other"', "range": "bytes=0-3"})
    assert other.status_code == 200
    head = Client().head(urlsplit(media_link(photo)).path, headers={"host": HOST})
    assert (head.status_code, head.content) == (200, b"")


def test_links_end_within_ten_minutes_and_stay_the_same_for_some(photo, monkeypatch):
    now = 1_800_000_000
    monkeypatch.setattr(links.time, "time", lambda: now)
    url = media_link(photo)
    grant = links.read_link(urlsplit(url).path.lstrip("/"))
    assert 300 <= grant.expires - now <= 600
    monkeypatch.setattr(links.time, "time", lambda: now + 299)
    assert media_link(photo) == url
    assert get(url).status_code == 200
    monkeypatch.setattr(links.time, "time", lambda: now + 600)
    assert media_link(photo) != url
    assert get(url).status_code == 410


def test_nobody_else_writes_links(photo):
    path = urlsplit(media_link(photo)).path
    token, _, signature = path.rpartition(":")
    other = signing.Signer(salt="other").sign_object(
        [current_tenant().id.hex, "m", photo.pk, "f", 2**40]
    )
    for wrong in (f"{token}:{signature[:-1]}", f"{token}x:{signature}", f"/{other}", "/", "/a:b"):
        assert get(f"{settings.MEDIA_ORIGIN}{wrong}").status_code == 404


def test_a_link_of_one_company_never_opens_anothers_file(photo):
    """Both have a file with the same number; the link names the company."""
    with tenant_scope(BETA):
        stranger = MessageMedia(pk=photo.pk, status="stored", storage_key=photo.storage_key)
        url = media_link(stranger)
    assert get(url).status_code == 404


def test_what_is_gone_is_gone(photo):
    url = media_link(photo)
    store.delete(photo.storage_key)
    assert get(url).status_code == 404
    keep(photo, samples.picture())
    assert get(url).status_code == 200
    MessageMedia.objects.update(status="unavailable")
    assert get(url).status_code == 404
    MessageMedia.objects.update(status="stored")
    with public_scope():
        Tenant.objects.filter(pk=ALPHA.id).update(state=Tenant.State.DELETING)
    assert get(url).status_code == 404


def test_there_is_no_link_to_what_is_not_there(make_media):
    assert media_link(make_media()) == ""
    stored = keep(make_media(mime="image/jpeg"), samples.picture())
    assert media_link(stored, "thumb") == ""


def test_uploads_have_links_too(tenant):
    key = store.new_key()
    store.save(key, io.BytesIO(samples.PDF))
    upload = Upload.objects.create(
        storage_key=key, kind="document", mime="application/pdf", size=9, sha256=bytes(32)
    )
    assert body(get(media_link(upload))) == samples.PDF


@pytest.mark.parametrize("key", ["", "../other", "media/2026/11/x", "tenants/1/media/2026/11/aa"])
def test_keys_cannot_lead_elsewhere(tenant, key):
    with pytest.raises(FileNotFoundError):
        store.read_bytes(key)


@pytest.mark.parametrize("host", ["media.testserver", "arquivos.testserver"])
def test_its_name_is_no_companys(public, settings, host):
    settings.MEDIA_HOST = host
    with pytest.raises(Conflict, match="slug_reserved"):
        slugs.check(host.partition(".")[0])


def test_its_name_is_no_companys_own_domain(public, settings):
    settings.MEDIA_HOST = "files.example.com"
    with pytest.raises(Conflict, match="host_ours"):
        checked_host("Files.example.com.")
