"""The three spellings of bytes, 64-bit integers and enums (families A, B and C)."""

from __future__ import annotations

import base64
from typing import Any

from messaging.simulator.versions import Family

MESSAGE_EDIT = ("MESSAGE_EDIT", 14)
REVOKE = ("REVOKE", 0)
TEXT_REPLY = ("DISPLAY_TEXT", 1)
SINGLE_SELECT = ("SINGLE_SELECT", 1)


def encode_bytes(family: Family, value: bytes) -> Any:
    if family is Family.A:
        return base64.b64encode(value).decode()
    return {str(index): byte for index, byte in enumerate(value)}


def long(value: int, *, unsigned: bool) -> dict[str, Any]:
    low = value & 0xFFFFFFFF
    if low >= 0x80000000:
        low -= 0x100000000
    return {"low": low, "high": value >> 32, "unsigned": unsigned}


def encode_int(family: Family, value: int, *, unsigned: bool = True) -> Any:
    if family is Family.A:
        return str(value)
    return value if family is Family.B else long(value, unsigned=unsigned)


def encode_enum(family: Family, name_and_number: tuple[str, int]) -> str | int:
    return name_and_number[0] if family is Family.A else name_and_number[1]


def raw_enum(family: Family, name_and_number: tuple[str, int]) -> str | int:
    """`messages.edited` skips the normaliser: only family B writes numbers there."""
    return name_and_number[1] if family is Family.B else name_and_number[0]


def raw_int(family: Family, value: int) -> Any:
    return long(value, unsigned=False) if family is Family.B else str(value)
