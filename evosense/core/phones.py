"""Phone numbers as digits with country code, the form WhatsApp uses.

Brazil: accounts made before the ninth digit keep a JID without it, so +55 71 98000-1234 may live
at 557180001234. Both forms are looked up; neither is ever rewritten, because only WhatsApp knows.
"""

import re
from typing import NewType

import phonenumbers

E164 = NewType("E164", str)

_NOT_DIGITS = re.compile(r"\D+")
_BRAZIL_MOBILE = re.compile(r"^55(\d{2})9?([6-9]\d{7})$")


def parse_phone(text: str, region: str = "BR") -> E164 | None:
    """Return `text` as digits with country code, or None when no such number can exist."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return E164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


def digits_of(text: str) -> str:
    """Return only the digits of `text`."""
    return _NOT_DIGITS.sub("", text)


def br_key(digits: str) -> str:
    """Return one key for both forms of a Brazilian mobile number, the digits for all others."""
    match = _BRAZIL_MOBILE.match(digits)
    return f"55{match[1]}{match[2]}" if match else digits


def br_variants(digits: str) -> tuple[str, ...]:
    """Return the forms under which a number may be registered, the given one first."""
    match = _BRAZIL_MOBILE.match(digits)
    if not match:
        return (digits,)
    short, long = f"55{match[1]}{match[2]}", f"55{match[1]}9{match[2]}"
    return (digits, long if digits == short else short)


def format_phone(digits: str) -> str:
    """Return the international form for people, such as +55 41 90018-4470."""
    mobile = _BRAZIL_MOBILE.match(digits)
    if mobile and len(digits) == 12:
        # Registered before the ninth digit: valid for WhatsApp, unknown to the numbering plan.
        return f"+55 {mobile[1]} {mobile[2][:4]}-{mobile[2][4:]}"
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return f"+{digits}"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def mask_phone(digits: str) -> str:
    """Return the last four digits only, for people who may not see numbers."""
    return f"••• {digits[-4:]}"
