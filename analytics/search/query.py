"""What somebody typed into the search box, taken apart."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal as OneOf

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid

LONGEST = 500
MOST_WORDS = 20

Kind = OneOf["number", "email", "id", "phrase", "sign"]
_TOKEN = re.compile(r'(-?)"([^"]*)"|(-?)(\S+)')
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}\Z")
# With the separators of thousands, documents and telephones; four digits at least.
_NUMBER = re.compile(r"[#nº°]*((?:\d[.,/()+-]*){4,})\Z", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_PROVIDER_ID = re.compile(r"(?=.*\d)(?=.*[A-F])[0-9A-F]{12,40}\Z", re.IGNORECASE)
# Words so frequent that nothing is found by them; the index keeps those that lost their accent.
COMMON = frozenset(
    [
        "nao",
        "ja",
        "so",
        "ate",
        "tambem",
        "sao",
        "esta",
        "voce",
        "voces",
        "sera",
        "eh",
        "pra",
        "pro",
        "ta",
        "to",
        "tou",
        "ai",
        "la",
        "vc",
        "vcs",
        "q",
    ]
)


@dataclass(frozen=True, slots=True)
class Literal:
    """Something that is meant as it stands: messages that hold it go first."""

    kind: Kind
    text: str

    @property
    def variants(self) -> tuple[str, ...]:
        """Return the ways it may be written; a number with and without its separators."""
        if self.kind != "number":
            return (self.text,)
        digits = digits_of(self.text)
        dotted = f"{int(digits):,}".replace(",", ".") if len(digits) < 13 else digits
        return tuple(dict.fromkeys((self.text, digits, dotted)))


@dataclass(frozen=True, slots=True)
class Query:
    """The box's text: for the space of meaning, and its parts for the search by words."""

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    excluded: tuple[str, ...]
    literals: tuple[Literal, ...]

    @property
    def is_exact(self) -> bool:
        """Tell whether all of it is numbers, addresses and ids, which are meant as they stand."""
        exact = [one for one in self.literals if one.kind in {"number", "email", "id"}]
        return bool(exact) and len(exact) == len(self.words) and not self.phrases

    @property
    def asked(self) -> tuple[str, ...]:
        """Return everything that should be found, for marking it in texts."""
        return (*self.words, *self.phrases)


def read_query(raw: str) -> Query:
    """Take a text apart; raises Invalid with field `q` for one that is too long or says nothing."""
    text = raw.replace("\x00", "").encode("utf-8", "ignore").decode().strip()
    if len(text) > LONGEST:
        raise Invalid("too_long", _("A search has 500 characters at most."), field="q")
    words: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    for minus_phrase, phrase, minus_word, word in _TOKEN.findall(text):
        if any(sign.isalnum() for sign in phrase):
            (excluded if minus_phrase else phrases).append(phrase.strip())
        elif minus_word and any(sign.isalnum() for sign in word):
            excluded.append(word)
        elif any(sign.isalnum() for sign in word):
            words.append(word)
    signs = [] if words or phrases else _signs(text)
    if not words and not phrases and not signs:
        message = _("Type a word, a number or an emoji: signs alone find nothing.")
        raise Invalid("empty_query", message, field="q")
    kept = tuple(words[:MOST_WORDS])
    return Query(
        text=" ".join([*words, *phrases, *signs]),
        words=kept,
        phrases=tuple(phrases[:MOST_WORDS]),
        excluded=tuple(excluded[:MOST_WORDS]),
        literals=(*_literals(kept, phrases), *(Literal("sign", sign) for sign in signs)),
    )


def _signs(text: str) -> list[str]:
    """Return the emoji of a text that has no words, as they stand together."""
    tokens = (one.strip('"-') for one in text.split())
    # How a sign is drawn is no part of what was meant.
    plain = [one.removesuffix("\ufe0f") for one in tokens]
    found = [one for one in plain if any(unicodedata.category(sign) == "So" for sign in one)]
    return list(dict.fromkeys(found))[:MOST_WORDS]


def _literals(words: tuple[str, ...], phrases: list[str]) -> list[Literal]:
    found = [Literal("phrase", phrase) for phrase in phrases[:MOST_WORDS]]
    for word in words:
        bare = word.strip(".,;:!?")
        kind = _kind(bare)
        if kind:
            found.append(Literal(kind, bare))
    return found


def _kind(word: str) -> Kind | None:
    if _EMAIL.match(word):
        return "email"
    if _NUMBER.match(word):
        return "number"
    return "id" if _UUID.match(word) or _PROVIDER_ID.match(word) else None


def digits_of(text: str) -> str:
    """Return the digits of a text."""
    return re.sub(r"\D", "", text)
