"""What files are is told by their bytes; of pictures only pixels survive."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from messaging.services.media import pictures
from messaging.services.media.examining import Kept, examine
from messaging.services.media.refusals import Refused
from messaging.tests.media import samples


def kept(raw: bytes, **told: str) -> Kept:
    return examine(io.BytesIO(raw), **told)


@pytest.mark.parametrize(
    ("raw", "told", "kind", "mime"),
    [
        (samples.picture(), {}, "image", "image/jpeg"),
        (samples.picture("PNG"), {"declared": "text/html"}, "image", "image/png"),
        (samples.picture("WEBP"), {"kind": "sticker"}, "sticker", "image/webp"),
        (samples.picture("WEBP", (512, 512)), {}, "sticker", "image/webp"),
        (samples.moving_picture(), {}, "image", "image/webp"),
        (samples.OPUS, {"declared": "audio/ogg; codecs=opus"}, "audio", "audio/ogg"),
        (samples.WEBM_SOUND, {"declared": "audio/webm;codecs=opus"}, "audio", "audio/webm"),
        (samples.WEBM_SOUND, {}, "audio", "audio/webm"),
        (samples.WEBM_FILM, {"declared": "audio/webm"}, "video", "video/webm"),
        (samples.MP4, {}, "video", "video/mp4"),
        (samples.MP4, {"kind": "audio"}, "audio", "audio/mp4"),
        (samples.M4A, {}, "audio", "audio/mp4"),
        (samples.MP3, {}, "audio", "audio/mpeg"),
        (samples.PDF, {"name": "boleto.exe.pdf"}, "document", "application/pdf"),
        (samples.PDF, {"kind": "image"}, "document", "application/pdf"),
        (samples.DOCX, {"name": "a.zip"}, "document", "application/zip"),
        (b"ol\xc3\xa1; mundo\r\n", {"name": "lista.csv"}, "document", "text/csv"),
        ("preço;ação".encode("latin-1"), {}, "document", "text/plain"),
        # Nobody would open these here: kept as bytes without a name.
        (samples.SVG, {"name": "logo.svg"}, "document", "application/octet-stream"),
        (samples.HTML, {"kind": "image"}, "document", "application/octet-stream"),
        (b"\xef\xbb\xbf <b>hi", {"name": "a.txt"}, "document", "application/octet-stream"),
    ],
    ids=repr,
)
def test_the_bytes_say_what_it_is(raw, told, kind, mime):
    found = kept(raw, **told)
    assert (found.kind, found.mime) == (kind, mime)
    assert found.size == len(found.content.read())


@pytest.mark.parametrize(
    ("raw", "told", "code"),
    [
        (b"", {}, "empty"),
        (samples.EXE, {"name": "foto.jpg"}, "wrong_type"),
        (samples.ELF, {}, "wrong_type"),
        (b"#!/bin/sh\nrm -rf /", {"name": "leia-me.txt"}, "wrong_type"),
        (samples.DOCX, {"name": "app.apk"}, "wrong_type"),
        (b"@echo off", {"name": "x.BAT"}, "wrong_type"),
        (samples.bomb(), {}, "too_large"),
        (samples.bomb(8000, 8000), {}, "too_large"),
        (samples.picture()[:300], {}, "damaged"),
        (b"\x89PNG\r\n\x1a\n" + samples.SECRET, {}, "damaged"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_refused(raw, told, code):
    with pytest.raises(Refused) as refusal:
        kept(raw, **told)
    assert refusal.value.code == code


def test_limits_are_the_operators(settings):
    settings.MEDIA = replace(settings.MEDIA, largest=100, families=frozenset({"image"}))
    with pytest.raises(Refused, match="too_large"):
        kept(samples.picture())
    settings.MEDIA = replace(settings.MEDIA, largest=10**6)
    assert kept(samples.picture()).kind == "image"
    with pytest.raises(Refused, match="wrong_type"):
        kept(samples.PDF)


def test_nothing_but_pixels_survives():
    for raw in samples.tagged_pictures():
        found = kept(raw)
        content = found.content.read()
        assert samples.SECRET not in content
        assert samples.SECRET not in found.thumb
        assert not {"exif", "Comment"} & set(Image.open(io.BytesIO(content)).info)


def test_a_picture_that_lies_on_its_side_is_turned_and_has_a_small_copy():
    found = kept(samples.lying_picture())
    assert (found.width, found.height) == (200, 400)
    assert Image.open(found.content).size == (200, 400)
    small = Image.open(io.BytesIO(kept(samples.picture(size=(3000, 1500))).thumb))
    assert (small.format, small.size) == ("WEBP", (528, 264))


def test_large_pictures_are_brought_to_a_size_that_screens_show():
    assert kept(samples.picture(size=(6000, 3000))).width == pictures.KEPT_SIDE


def test_moving_pictures_keep_moving_unless_they_would_fill_the_memory(monkeypatch):
    raw = samples.moving_picture()
    assert getattr(Image.open(kept(raw).content), "n_frames", 1) == 3
    monkeypatch.setattr(pictures, "MOVING_AREA", 1000)
    assert getattr(Image.open(kept(raw).content), "n_frames", 1) == 1


def test_a_picture_sent_as_a_document_stays_as_it_came_and_gets_a_small_copy():
    raw = samples.picture("PNG") + samples.SECRET
    found = kept(raw, kind="document")
    assert (found.kind, found.content.read()) == ("document", raw)
    assert Image.open(io.BytesIO(found.thumb)).format == "WEBP"
    assert kept(samples.bomb(), kind="document").thumb == b""


def test_recordings_tell_their_length():
    assert kept(samples.OPUS).seconds == 3
    assert kept(samples.MP3).seconds is None
