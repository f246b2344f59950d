"""What a message says in at most 200 characters, in its own words."""

import re

from analytics.embedded.concepts import concepts
from analytics.embedded.text import clean, tokens
from analytics.embedded.words import weight_of
from analytics.values import SUMMARY_LENGTH

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
# Documents, phones, cards, codes: five digits or more, whatever stands between them.
_DIGITS = re.compile(r"\+?\(?\d(?:[\s().\-/]{0,2}\d){4,}")
_BREAK = re.compile(r"(?<=[.!?…])\s+|\n+")
_SPACE = re.compile(r"\s+")
MASK = "•••"


def summarise(text: str, longest: int = SUMMARY_LENGTH) -> str:
    """Return the text itself if it is short, else its most telling sentences in their order.

    Addresses and long numbers are masked, because summaries travel further than messages.
    """
    text = masked(clean(text))
    whole = _SPACE.sub(" ", text).strip()
    if len(whole) <= longest:
        return whole
    sentences = [_SPACE.sub(" ", part).strip() for part in _BREAK.split(text) if part.strip()]
    chosen = _choose(sentences, longest)
    return cut(" ".join(sentences[i] for i in chosen), longest)


def masked(text: str) -> str:
    """Return the text without addresses of pages and mail and without long numbers."""
    return _DIGITS.sub(MASK, _MAIL.sub(MASK, _URL.sub("link", text)))


def cut(text: str, longest: int) -> str:
    """Return at most `longest` characters, ending with a whole word and "…" when cut."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    at = head.rfind(" ")
    return (head[:at] if at > longest // 2 else head).rstrip(" ,;:-") + "…"


def _choose(sentences: list[str], longest: int) -> list[int]:
    ranked = sorted(range(len(sentences)), key=lambda i: -_score(sentences, i))
    chosen: list[int] = []
    left = longest
    for i in ranked:
        if not chosen or len(sentences[i]) + 1 <= left:
            chosen.append(i)
            left -= len(sentences[i]) + 1
    return sorted(chosen)


def _score(sentences: list[str], i: int) -> float:
    sentence = sentences[i]
    early = 1 - i / len(sentences)
    strength = min(1.0, sum(abs(weight_of(token)) for token in tokens(sentence)) / 3)
    topics = min(1.0, len(concepts(sentence)) / 2)
    number = any(letter.isdigit() for letter in sentence)
    return 0.4 * early + 0.3 * strength + 0.2 * topics + 0.1 * number
