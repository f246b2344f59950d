"""Why a text was found: what it shares with the query, in words that people know."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from analytics.embedded.concepts import concepts
from analytics.embedded.hashing import is_word
from analytics.embedded.stems import stem
from analytics.embedded.text import ABBREVIATIONS, clean, fold

_WORD = re.compile(r"[^\W_]+")
_LITERAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\b[\w-]*\d[\w.\-/]{3,}")
MOST = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """`kind` is "literal" (number, address), "word" (as typed in the text) or "meaning"."""

    kind: str
    text: str


def reasons(query: str, text: str) -> list[Reason]:
    """Return at most six reasons for `text` to answer `query`, the plainest first."""
    asked = {fold(found) for found in _LITERAL.findall(clean(query))}
    literal = [found for found in _LITERAL.findall(clean(text)) if fold(found) in asked]
    stems = {stem(word) for _typed, word in _words(query)}
    shared = [typed for typed, word in _words(text) if stem(word) in stems]
    meant = set(concepts(query))
    meanings = [name for name in concepts(text) if name in meant]
    found = [
        *(Reason("literal", value) for value in _once(literal)),
        *(Reason("word", value) for value in _once(shared)),
        *(Reason("meaning", value) for value in meanings),
    ]
    return found[:MOST]


def _words(text: str) -> list[tuple[str, str]]:
    typed = _WORD.findall(clean(text))
    spelt = [(word, ABBREVIATIONS.get(fold(word), fold(word))) for word in typed]
    return [(word, plain) for word, plain in spelt if is_word(plain)]


def _once(values: Iterable[str]) -> list[str]:
    return list({fold(value): value for value in reversed(list(values))}.values())[::-1]
