"""Where personal data of each kind stands in a text. Patterns are bounded: texts are hostile."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analytics.redaction.digits import is_card, is_cnpj, is_cpf
from analytics.redaction.phones import IS_ORDER, before, phone_spans

Spans = Iterator[tuple[int, int]]

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII)
# Groups of digits as people type them.
_DIGIT_RUN = re.compile(r"(?<![\w])\d{3,19}(?:[ .-]\d{1,19}){0,9}(?![\w])")
_GROUP = re.compile(r"\d+")
_CARD_GROUPS = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3))
_CNPJ = re.compile(
    r"(?<!\w)[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}[/ ]?[0-9A-Z]{4}[- ]?[0-9]{2}(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_CPF = re.compile(r"(?<![\w])[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}[-. ]?[0-9]{2}(?!\w)")
_PIX = re.compile(
    r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])",
    re.IGNORECASE | re.ASCII,
)
_CEP = re.compile(
    r"(?<![\w.,/-])[0-9]{2}\.?[0-9]{3}-[0-9]{3}(?![\w/-])|(?<=cep )[0-9]{8}(?!\w)"
    r"|(?<=cep: )[0-9]{8}(?!\w)",
    re.IGNORECASE,
)
# Three letters and a dash are also how orders and invoices are numbered.
_PLATE = re.compile(
    r"(?<!\w)(?:[A-Z]{3}[- ]?[0-9][A-J][0-9]{2}|(?<=placa )[A-Z]{3}[0-9]{4}"
    r"|(?!PED|NFE|NFS|SKU|COD|REF|PRO|TKT|FAT|BOL|LOT|ORD|NUM|CEP)[A-Z]{3}-[0-9]{4})(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_STREET = (
    r"(?i:rua|avenida|av\.?|travessa|trav\.|alameda|al\.|pra[cç]a|rodovia|rod\.|estrada|estr\.|"
    r"largo|viela|beco|servid[aã]o|quadra)"
)
_HOUSE = (
    r"(?:\s{0,2},)?\s{0,2}(?:(?i:n|n[º°o]|n[uú]mero|num)\.?\s{0,2})?[0-9]{2,5}[A-Za-z]?\b"
    r"(?!\s?(?i:horas?|h\b|dias?|min|reais|vezes|km|anos|m[eê]s|x\b|%))"
)
_WITHIN = (
    r"(?:\s{0,2},?\s{0,2}(?i:apartamento|apto|ap|bloco|bl|casa|sala|lote|quadra|conjunto|cj)\.?"
    r"\s{0,2}\w{1,6}\b){0,3}"
)
_ADDRESS = re.compile(
    # With the number of a house, in any case; or without one, by its capitals.
    rf"(?<!\w){_STREET}(?:\s{{1,2}}[\w.'-]{{1,25}}){{1,6}}?{_HOUSE}{_WITHIN}"
    rf"|(?<!\w){_STREET}(?:\s(?:d[aeo]s?|e))?(?:\s[A-ZÀ-Ý][\w'-]{{1,25}}(?:\s(?:d[aeo]s?|e))?){{1,5}}"
)
_URL = re.compile(
    r"(?<![\w@])(?:https?://|www\.)[^\s<>\"']{1,2000}[^\s<>\"'.,;:!?)\]]"
    r"|(?<![\w@.])(?:[\w-]{1,63}\.){1,4}(?:com|net|org|br|io|app|me|ly|site|store|link)(?![\w.-])"
    r"(?:/[^\s<>\"']{0,500}[^\s<>\"'.,;:!?)\]])?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Finder:
    """`spans` yields (start, end) in order and without overlap; `needs` is a quick look before."""

    kind: str
    spans: Callable[[str], Spans]
    needs: re.Pattern[str] | None = None


def by_pattern(
    pattern: re.Pattern[str], is_real: Callable[[str], bool] | None = None
) -> Callable[[str], Spans]:
    """Return a search for `pattern` whose hits `is_real` may refuse."""

    def spans(text: str) -> Spans:
        for hit in pattern.finditer(text):
            if is_real is None or is_real(hit[0]):
                yield hit.span()

    return spans


def _card_spans(text: str) -> Spans:
    """Yield cards; a date or a code beside one is not taken for a part of it."""
    for run in _DIGIT_RUN.finditer(text):
        groups = [hit.span() for hit in _GROUP.finditer(text, run.start(), run.end())]
        place = 0
        if len(groups) == 1 and IS_ORDER.search(before(run)):
            # One protocol in ten satisfies Luhn by chance.
            continue
        while place < len(groups):
            count = _card_at(text, groups[place:])
            if count:
                yield groups[place][0], groups[place + count - 1][1]
            place += count or 1


def _card_at(text: str, groups: list[tuple[int, int]]) -> int:
    """Return how many groups from the first on are a card; 0 for none."""
    lengths = [end - start for start, end in groups]
    whole = "".join(text[start:end] for start, end in groups)
    if is_card(whole):
        return len(groups)
    if is_card(whole[: lengths[0]]):
        return 1
    for form in _CARD_GROUPS:
        if tuple(lengths[: len(form)]) == form and is_card(whole[: sum(form)]):
            return len(form)
    return 0


def _is_cnpj_text(text: str) -> bool:
    signs = "".join(sign for sign in text if sign.isalnum()).upper()
    # A long word with two digits behind it is no company.
    has_form = len(signs) < len(text) or any(sign.isdigit() for sign in signs[:12])
    return has_form and is_cnpj(signs)


def _is_cpf_text(text: str) -> bool:
    return is_cpf("".join(sign for sign in text if sign.isdigit()))


# Most messages hold no number at all: one look spares them seven searches.
_NUMBER = re.compile(r"[0-9]{2}")
FINDERS = (
    Finder("EMAIL", by_pattern(_EMAIL), re.compile("@")),
    Finder("CARTAO", _card_spans, re.compile(r"[0-9]{3}")),
    Finder("CNPJ", by_pattern(_CNPJ, _is_cnpj_text), _NUMBER),
    Finder("CPF", by_pattern(_CPF, _is_cpf_text), _NUMBER),
    Finder("PIX", by_pattern(_PIX), re.compile("-")),
    Finder("TELEFONE", phone_spans, _NUMBER),
    Finder("CEP", by_pattern(_CEP), _NUMBER),
    Finder("PLACA", by_pattern(_PLATE), _NUMBER),
    Finder("ENDERECO", by_pattern(_ADDRESS)),
    Finder("URL", by_pattern(_URL), re.compile(r"[.:]\S")),
)
