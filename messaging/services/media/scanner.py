"""clamd, asked by its INSTREAM command: pieces with their length before them, an empty one ends.

https://docs.clamav.net/manual/Usage/Scanning.html#clamd. It fails closed: no clear answer means
that the file waits, and a file of which it reads only a part is refused.
"""

import io
import socket
import struct
from typing import IO
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from messaging.services.media.refusals import Refused, ScannerAway

PORT = 3310
SECONDS = 60.0
_PIECE = 64 * 1024
_LONGEST_ANSWER = 4096
# Beyond StreamMaxLength; beyond MaxFileSize or MaxScanSize with AlertExceedsMax, without which
# clamd says OK of what it has not read.
_TOO_MUCH = ("INSTREAM size limit exceeded.", "stream: Heuristics.Limits.Exceeded")
logger = structlog.get_logger(__name__)


def is_on() -> bool:
    """Tell whether the operator named a scanner."""
    return bool(settings.MEDIA.scanner)


def scan(content: IO[bytes]) -> None:
    """Have a file looked at; does nothing without a scanner.

    Raises Refused("infected"), Refused("unscanned") for more than it reads, ScannerAway.
    """
    if not is_on():
        return
    try:
        with _connect(settings.MEDIA.scanner) as link:
            answer = _ask(link, content)
    except OSError as error:
        raise ScannerAway(type(error).__name__) from error
    finally:
        content.seek(0)
    if answer.startswith(_TOO_MUCH):
        logger.warning("scanner_reads_too_little", size=content.seek(0, io.SEEK_END))
        content.seek(0)
        raise Refused("unscanned")
    if answer.endswith(" FOUND"):
        raise Refused("infected")
    if answer != "stream: OK":
        raise ScannerAway("unclear answer")


def _connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(SECONDS)
        link.connect(parts.path)
        return link
    return socket.create_connection((parts.hostname or "", parts.port or PORT), timeout=SECONDS)


def _ask(link: socket.socket, content: IO[bytes]) -> str:
    link.settimeout(SECONDS)
    content.seek(0)
    link.sendall(b"zINSTREAM\0")
    try:
        while piece := content.read(_PIECE):
            link.sendall(struct.pack(">I", len(piece)) + piece)
        link.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        # It hangs up in the middle when it has found something or had enough, and says which.
        pass
    answer = bytearray()
    while b"\0" not in answer and len(answer) < _LONGEST_ANSWER:
        part = link.recv(_LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return bytes(answer).partition(b"\0")[0].decode("utf-8", "replace").strip()
