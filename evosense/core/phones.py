"""Phone numbers as digits with country code, the form WhatsApp uses.

Brazil: accounts made before the ninth digit keep a JID without it, so +55 71 98000-1234 may live
at 557180001234. Both forms are looked up; neither is ever rewritten, because only WhatsApp knows.
"""

import re
from typing import NewType

import phonenumbers

E164 = NewType("E164", str)

_WITH_AREA = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}
_NOT_DIGITS = re.compile(r"\D+")
_PLUS = "+\uff0b"
_FIRST = re.compile(rf"[{_PLUS}\d]")
_BRAZIL_MOBILE = re.compile(r"^55(\d{2})9?([6-9]\d{7})$")


def parse_phone(text: str) -> E164 | None:
    """Return `text` as digits with country code, or None when that cannot be told for certain.

    A leading + or 00 says that the country code is there. Bare digits are a number of Brazil where
    its numbering plan knows them, with or without 55; else of the country that they begin with;
    else of Brazil without the ninth digit. Letters are refused: they are typing errors here.
    """
    first = _FIRST.search(text)
    if first is None or any(sign.isalnum() and not sign.isdecimal() for sign in text):
        return None
    digits = phonenumbers.normalize_digits_only(text)
    if first[0] not in _PLUS and not digits.startswith("00"):
        return _of_brazil(digits) or _of_plan(f"+{digits}") or _without_ninth(digits)
    number = _read(f"+{digits.removeprefix('00')}")
    # Length alone decides here: plans grow, and older Brazilian accounts are in none.
    return _e164(number) if number and _has_full_length(number) else None


def _of_brazil(digits: str) -> E164 | None:
    """Return a number with an area code; what has none is hardly meant without the 55."""
    number = _read(digits, "BR")
    has_area = number is not None and phonenumbers.number_type(number) in _WITH_AREA
    return _e164(number) if number and has_area else None


def _of_plan(text: str) -> E164 | None:
    """Return a number with + and country code that a numbering plan knows."""
    number = _read(text)
    return _e164(number) if number and phonenumbers.is_valid_number(number) else None


def _without_ninth(digits: str) -> E164 | None:
    """Return a Brazilian mobile number as it was before the ninth digit."""
    if len(digits) == len("7180001234"):
        digits = f"55{digits}"
        # Without the 55, the area code must exist.
        if not any(_of_brazil(form) for form in br_variants(digits)):
            return None
    return E164(digits) if _BRAZIL_MOBILE.match(digits) else None


def _read(text: str, region: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _has_full_length(number: phonenumbers.PhoneNumber) -> bool:
    found = phonenumbers.is_possible_number_with_reason(number)
    return bool(found == phonenumbers.ValidationResult.IS_POSSIBLE)


def _e164(number: phonenumbers.PhoneNumber) -> E164:
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
