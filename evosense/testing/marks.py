"""Marked secrets and texts, and the search for them in whatever left the process."""

import gzip
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

TEXT = "CANARIO-7f3a9c2e"
NUMBER = "5511947286153"
EMAIL = "canario-7f3a9c2e@example.com"
PASSWORD = "senha-CANARIO-7f3a9c2e"
TOKEN = "CANARIO7f3a9c2e" + "t" * 28
INSTANCE_KEY = "evo-CANARIO-7f3a9c2e-key"
# Also without country and area code, and in any case.
NEEDLES = ("CANARIO", "canario", "47286153", "94728-6153")


def found_in(places: Iterable[tuple[str, bytes]], needles: Iterable[str] = NEEDLES) -> list[str]:
    """Return "place: needle" for each needle that occurs in any case, hexadecimal or base64."""
    return [
        f"{place}: {needle}"
        for place, content in places
        for needle in needles
        if any(form in content.lower() for form in _forms(needle))
    ]


def redis_contents(client: Any) -> Iterable[tuple[str, bytes]]:
    """Yield every key of a Redis database with what it holds."""
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": lambda key: [client.get(key)],
        b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": lambda key: [repr(entry).encode() for entry in client.xrange(key)],
    }
    for key in client.scan_iter("*"):
        parts = readers[client.type(key)](key)
        yield f"redis {key.decode()}", key + b"\n" + b"\n".join(map(_plain, parts))


def _plain(value: bytes) -> bytes:
    return gzip.decompress(value) if value[:2] == b"\x1f\x8b" else value


def _forms(needle: str) -> list[bytes]:
    plain = needle.encode()
    # Base64 of the needle alone is found only where it begins a value, which secrets do.
    return [plain.lower(), plain.hex().encode(), b64encode(plain).rstrip(b"=").lower()]
