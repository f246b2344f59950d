"""Small true files: what a consumer downloads must open and match its type."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import lru_cache

from messaging.simulator.dice import dice

QUANTISER = bytes([16]) * 64
# Code lengths for the eleven DC categories of the JPEG standard's luminance table.
DC_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
DC_CODES = {
    0: (0b00, 2),
    1: (0b010, 3),
    2: (0b011, 3),
    3: (0b100, 3),
    4: (0b101, 3),
    5: (0b110, 3),
    6: (0b1110, 4),
    7: (0b11110, 5),
    8: (0b111110, 6),
}
OPUS_SILENCE = b"\xf8\xff\xfe"
WEBP = bytes.fromhex(
    "52494646240000005745425056503820180000003001009d012a0100010002003425a400037000fefb940000"
)


@lru_cache(maxsize=512)
def jpeg(seed: int, columns: int = 20, rows: int = 15) -> bytes:
    """A grey mosaic of 8 x 8 blocks: baseline JPEG with nothing but DC values."""
    head = (
        b"\xff\xd8\xff\xe0"
        + struct.pack(">H", 16)
        + b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    )
    head += b"\xff\xdb" + struct.pack(">HB", 67, 0) + QUANTISER
    head += b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, rows * 8, columns * 8, 1) + b"\x01\x11\x00"
    head += b"\xff\xc4" + struct.pack(">HB", 31, 0) + DC_COUNTS + bytes(range(12))
    head += b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + b"\x01" + bytes(15) + b"\x00"
    head += b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x3f\x00"
    return head + _scan(seed, columns, rows) + b"\xff\xd9"


def _scan(seed: int, columns: int, rows: int) -> bytes:
    die = dice("jpeg", seed)
    slope, level = die.uniform(-2.5, 2.5), die.randint(-30, 30)
    bits, before = "", 0
    for index in range(columns * rows):
        shade = level + slope * (index // columns) + die.randint(-4, 4) + (index % columns) * 0.8
        value = max(-60, min(60, int(shade)))
        bits += _code(value - before) + "0"
        before = value
    bits += "1" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return raw.replace(b"\xff", b"\xff\x00")


def _code(difference: int) -> str:
    category = abs(difference).bit_length()
    code, length = DC_CODES[category]
    bits = f"{code:0{length}b}"
    if not category:
        return bits
    value = difference if difference > 0 else difference + (1 << category) - 1
    return bits + f"{value:0{category}b}"


@lru_cache(maxsize=64)
def pdf(title: str) -> bytes:
    """One page with one line of text."""
    line = title.encode("latin-1", "replace").translate(None, b"()\\")
    drawing = b"BT /F1 18 Tf 60 760 Td (" + line + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF" % (table, len(body))
    )


@lru_cache(maxsize=128)
def opus(seconds: int) -> bytes:
    """A silent voice note in an Ogg container."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 3) + b"sim" + struct.pack("<I", 0)
    pages = _page(0, 2, 0, [head]) + _page(1, 0, 0, [tags])
    for second in range(seconds):
        last = 4 if second == seconds - 1 else 0
        pages += _page(second + 2, last, (second + 1) * 48000, [OPUS_SILENCE] * 50)
    return pages


def _page(number: int, flags: int, position: int, packets: list[bytes]) -> bytes:
    sizes = bytes(len(packet) for packet in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, 1, number, 0, len(sizes))
    page = bytearray(head + sizes + b"".join(packets))
    page[22:26] = struct.pack("<I", _crc(bytes(page)))
    return bytes(page)


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


def _crc(data: bytes) -> int:
    table, value = _crc_table(), 0
    for byte in data:
        value = ((value << 8) & 0xFFFFFFFF) ^ table[(value >> 24) ^ byte]
    return value


def mp4() -> bytes:
    """The shortest thing that is recognised as MP4."""
    brand = b"ftypisom" + struct.pack(">I", 512) + b"isomiso2mp41"
    return struct.pack(">I", len(brand) + 4) + brand + struct.pack(">I", 8) + b"mdat"


@lru_cache(maxsize=64)
def qr_image(text: str, scale: int = 6) -> str:
    """A code that a phone could scan, as the data address of a PNG."""
    # Only here: the generator of histories must not pay for loading it.
    from qrcode import QRCode  # noqa: PLC0415

    code = QRCode(border=4)
    code.add_data(text)
    lines = [
        b"\x00" + b"".join(b"\x00" * scale if dark else b"\xff" * scale for dark in row)
        for row in code.get_matrix()
    ]
    raw = _png(len(lines) * scale, b"".join(line * scale for line in lines))
    return f"data:image/png;base64,{base64.b64encode(raw).decode()}"


def _png(side: int, rows: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + chunks
