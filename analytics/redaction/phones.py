"""Phone numbers as Brazilians type them, told from order numbers of the same length."""

import re
from collections.abc import Iterator

# Area codes that exist (Anatel, Resolução 263/2001).
_KNOWN_AREAS = (
    "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 "
    "53 54 55 61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 "
    "95 96 97 98 99"
)
_AREAS = frozenset(_KNOWN_AREAS.split())
_NATIONAL = re.compile(
    r"(?<![\w+./-])(?:\+?\s?55[\s.-]{0,2})?(?:\(0?\d{2}\)|0?\d{2})[\s.-]{0,2}"
    r"(?:9[\s.-]?)?\d{4}[\s.-]{0,2}\d{4}(?![\w/]|[.,-]\d)"
)
_FOREIGN = re.compile(r"(?<![\w+])\+\d[\d\s().-]{6,18}\d(?!\w)")
# Without an area code: only in the two groups that people write.
_MOBILE = re.compile(r"(?<![\w.,/-])9[\s.]?\d{4}[\s-]\d{4}(?![\w/]|[.,-]\d)")
_LANDLINE = re.compile(r"(?<![\w.,/-])[2-5]\d{3}[\s-]\d{4}(?![\w/]|[.,-]\d)")
_IS_PHONE = re.compile(
    r"(?:tel|fone|telefone|celular|cel|whats\w*|zap|ligu\w*|ligar?|contato|ramal)\W{0,3}\Z",
    re.IGNORECASE,
)
IS_ORDER = re.compile(
    r"(?:pedidos?|protocolos?|notas?|nf-?e?|chamados?|ordem|os|c[oó]digos?|cod|rastreio|rastreamento|"
    r"boletos?|faturas?|contratos?|ticket|compras?|id)\W{0,3}(?:(?:n[uú]mero|n[º°o]?|nro|num|fiscal|"
    r"de|do|da|[eé])\W{0,3}){0,3}\Z",
    re.IGNORECASE,
)
_BEFORE = 40


def phone_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where phone numbers stand in `text`, in order and without overlap."""
    hits = [(hit.start(), hit.end()) for hit in _NATIONAL.finditer(text) if _is_national(hit)]
    hits += [(hit.start(), hit.end()) for hit in _FOREIGN.finditer(text) if _is_foreign(hit[0])]
    hits += [(hit.start(), hit.end()) for hit in _MOBILE.finditer(text)]
    hits += [(hit.start(), hit.end()) for hit in _LANDLINE.finditer(text) if _is_announced(hit)]
    end = 0
    for start, stop in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        if start >= end:
            yield start, stop
            end = stop


def _is_national(hit: re.Match[str]) -> bool:
    digits = _digits(hit[0])
    has_country = len(digits) >= 12 and digits.startswith("55")
    number = (digits[2:] if has_country else digits).removeprefix("0")
    if len(number) not in {10, 11} or number[:2] not in _AREAS:
        return False
    if number[2] not in ("9" if len(number) == 11 else "23456789"):
        return False
    # Nothing but digits: also an order may have that many.
    if hit[0].isdigit() and not has_country:
        return not IS_ORDER.search(before(hit)) and (len(number) == 11 or number[2] in "2345")
    return True


def _is_foreign(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


def _is_announced(hit: re.Match[str]) -> bool:
    return bool(_IS_PHONE.search(before(hit)))


def before(hit: re.Match[str]) -> str:
    """Return the words before a hit, which may say what its digits are."""
    return hit.string[max(0, hit.start() - _BEFORE) : hit.start()]


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())
