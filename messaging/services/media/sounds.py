"""How long a recording lasts, where the file says so plainly."""

import io
import struct
from typing import IO

_TAIL = 64 * 1024
_OPUS_RATE = 48_000


def length_of(content: IO[bytes], mime: str) -> int | None:
    """Return whole seconds of Ogg Opus, at least 1; None for anything else."""
    if mime != "audio/ogg":
        return None
    content.seek(0)
    if b"OpusHead" not in content.read(512):
        return None
    size = content.seek(0, io.SEEK_END)
    content.seek(max(0, size - _TAIL))
    tail = content.read()
    content.seek(0)
    # The last page says how many samples ended with it (RFC 7845, section 4).
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 14:
        return None
    samples = struct.unpack_from("<q", tail, at + 6)[0]
    return max(1, round(samples / _OPUS_RATE)) if 0 < samples < 2**45 else None
