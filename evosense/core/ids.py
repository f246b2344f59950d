"""Identifiers and secrets made here."""

import os
import secrets
import time
from uuid import UUID

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def uuid7() -> UUID:
    """Return a time-ordered UUID (RFC 9562, version 7): millisecond clock and 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def random_base62(length: int) -> str:
    """Return `length` random characters that survive URLs, shells and double clicks."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def random_token() -> str:
    """Return a 256 bit secret for a webhook URL or header (43 characters of base62)."""
    return random_base62(43)


def schema_name() -> str:
    """Return a new tenant schema name: random, so that it never tells who the customer is."""
    return "t_" + "".join(secrets.choice(BASE62[:10] + BASE62[36:]) for _ in range(16))
