"""Logos: only pixels survive, bombs and disguises do not."""

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, PngImagePlugin

from evosense.core.errors import Invalid
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import Brand
from tenancy.selectors.brand import forget_looks
from tenancy.services import pictures
from tenancy.tests.factories import anonymous_client, client_for

SECRET = b"<script>alert(1)</script>"


def picture(kind="PNG", size=(800, 600), **options) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if kind == "JPEG" else "RGBA"
    Image.new(mode, size, "#7c3aed").save(out, format=kind, **options)
    return out.getvalue()


def cleaned(raw: bytes) -> pictures.Logo:
    return pictures.clean_logo(io.BytesIO(raw))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_png(kind):
    logo = cleaned(picture(kind))
    image = Image.open(io.BytesIO(logo.png))
    assert (image.format, image.size) == ("PNG", (512, 384))
    assert len(logo.png) <= pictures.KEPT_BYTES
    assert len(logo.digest) == 16


def test_metadata_and_what_hides_behind_the_picture_is_gone():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    for raw in (
        picture(pnginfo=info),
        picture("JPEG", exif=exif),
        picture() + SECRET,
        picture("JPEG") + b"PK\x03\x04" + SECRET,
        picture("WEBP") + SECRET,
    ):
        png = cleaned(raw).png
        assert SECRET not in png
        assert not Image.open(io.BytesIO(png)).info


def test_a_picture_that_lies_on_its_side_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.open(io.BytesIO(cleaned(picture("JPEG", size=(400, 200), exif=exif)).png))
    assert image.size == (200, 400)


def test_noise_that_does_not_shrink_is_made_smaller():
    noise = Image.effect_noise((1200, 1200), 120).convert("RGB")
    noisy = Image.merge("RGB", [noise.getchannel(0), noise.rotate(90).getchannel(0),
                                noise.rotate(180).getchannel(0)])  # fmt: skip
    out = io.BytesIO()
    noisy.save(out, format="JPEG", quality=70)
    assert len(cleaned(out.getvalue()).png) <= pictures.KEPT_BYTES


def bomb(width=50_000, height=50_000) -> bytes:
    """Return a PNG of some bytes that claims to be enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<html>" + SECRET,
        b"GIF89a" + SECRET,
        b"%!PS-Adobe-3.0",
        picture()[:200],
        picture("JPEG")[:300],
        b"\x89PNG\r\n\x1a\n" + SECRET,
        bomb(),
        bomb(5_999, 5_999),
        b"\0" * (pictures.LARGEST_FILE + 1),
    ],
    ids=lambda raw: f"{raw[:12]!r} {len(raw)}",
)
def test_what_is_no_picture_or_too_large_is_refused(raw):
    with pytest.raises(Invalid) as refusal:
        cleaned(raw)
    assert refusal.value.field == "logo"


def test_a_logo_is_uploaded_served_and_removed(tenant):
    forget_looks()
    client, stranger = client_for("admin"), anonymous_client()
    assert stranger.get("/marca/logo.png").status_code == 404
    upload = SimpleUploadedFile("logo.svg", picture("JPEG"), content_type="image/svg+xml")
    sent = client.post("/ajustes/marca/", {"name": "Aurora", "color": "", "logo": upload})
    assert sent.status_code == 303
    with public_scope():
        digest = Brand.objects.get(pk=ALPHA.id).logo_digest
    forget_looks()
    html = stranger.get("/entrar/").content.decode()
    assert f"/marca/logo.png?v={digest}" in html
    answer = stranger.get(f"/marca/logo.png?v={digest}")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert "immutable" in answer["Cache-Control"]
    bad = SimpleUploadedFile("logo.png", SECRET, content_type="image/png")
    refused = client.post("/ajustes/marca/", {"name": "Aurora", "color": "", "logo": bad})
    assert refused.status_code == 422
    with public_scope():
        assert Brand.objects.get(pk=ALPHA.id).logo_digest == digest
    client.post("/ajustes/marca/", {"name": "", "color": "", "drop_logo": "on"})
    assert stranger.get("/marca/logo.png").status_code == 404
    forget_looks()
