"""Small files of every kind, made here, and what hides in some of them."""

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

from messaging.simulator import media_bytes

SECRET = b"<script>alert(document.cookie)</script>"
PDF = media_bytes.pdf("boleto")
OPUS = media_bytes.opus(3)
MP4 = media_bytes.mp4()
WEBM_SOUND = (
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
    b"B\x87\x81\x04B\x85\x81\x02" + b"\x18S\x80g" + b"A_OPUS" + bytes(200)
)
WEBM_FILM = WEBM_SOUND.replace(b"A_OPUS", b"V_VP9A_OPUS")
M4A = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(100)
MP3 = b"ID3\x03\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 50
DOCX = b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0" + bytes(60)
EXE = b"MZ\x90\0" + bytes(200)
ELF = b"\x7fELF" + bytes(60)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script>"


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), **options: object) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if kind == "JPEG" else "RGBA"
    Image.new(mode, size, "#7c3aed").save(out, format=kind, **options)
    return out.getvalue()


def tagged_pictures() -> list[bytes]:
    """Return pictures with something in their metadata or behind their end."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    return [
        picture("PNG", pnginfo=info),
        picture("JPEG", exif=exif),
        picture("WEBP", exif=exif),
        picture("PNG") + SECRET,
        picture("JPEG") + b"PK\x03\x04" + SECRET,
    ]


def lying_picture() -> bytes:
    """Return a picture of 400 x 200 that says that it is to be turned by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("JPEG", (400, 200), exif=exif)


def moving_picture(kind: str = "GIF", frames: int = 3) -> bytes:
    out = io.BytesIO()
    shown = [Image.new("RGB", (64, 48), color) for color in ("red", "green", "blue")[:frames]]
    shown[0].save(out, format=kind, save_all=True, append_images=shown[1:], duration=120, loop=0)
    return out.getvalue()


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Return a PNG of some bytes that claims to be enormous."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )
