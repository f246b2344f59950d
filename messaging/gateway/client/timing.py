"""How long a server may take. In seconds; tests shorten them for a whole process."""

import os


def _seconds(name: str, default: float) -> float:
    return float(os.environ.get(name, default))


# Evolution looks the number up, converts media and waits for WhatsApp inside one call. Less than
# a minute turns messages that leave into unknown ones (issues 1613, 1874 of Evolution).
SEND_SECONDS = _seconds("EVOSENSE_SEND_SECONDS", 60)
CALL_SECONDS = _seconds("EVOSENSE_CALL_SECONDS", 20)
# A probe only reads the server's memory, and whoever waits for it sees no other number meanwhile.
PROBE_SECONDS = _seconds("EVOSENSE_PROBE_SECONDS", 6)
# Create and connect wait for a QR code; media may be fetched from WhatsApp first.
SLOW_CALL_SECONDS = _seconds("EVOSENSE_SLOW_CALL_SECONDS", 60)
LONGEST_TYPING_MS = 5_000
_BYTES_A_SECOND = 512 * 1024
_LONGEST_UPLOAD_SECONDS = 120.0


def send_seconds(payload: dict[str, object]) -> float:
    """Return the longest that sending `payload` may take, from connecting to the last byte."""
    media = payload.get("media")
    size = media.get("size") if isinstance(media, dict) else 0
    upload = (size if isinstance(size, int) else 0) * 4 / 3 / _BYTES_A_SECOND
    return SEND_SECONDS + typing_ms(payload) / 1000 + min(upload, _LONGEST_UPLOAD_SECONDS)


def typing_ms(payload: dict[str, object]) -> int:
    """Return for how long the other side sees us type: the call blocks for it, so 5 s at most."""
    wanted = payload.get("typing_ms")
    return max(0, min(wanted, LONGEST_TYPING_MS)) if isinstance(wanted, int) else 0
