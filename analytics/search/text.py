"""Texts for people: without accents to compare, and cut into marked and unmarked pieces to show."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

SHOWN = 260
BEFORE = 70
WORD = re.compile(r"\w+(?:[.,@/-]\w+)*")
MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text; marked ones are why it was found."""

    text: str
    is_marked: bool


def fold(text: str) -> str:
    """Return text in lower case and without accents, white space as single blanks."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(sign for sign in apart if not unicodedata.combining(sign)).split())


def words_of(texts: Sequence[str]) -> list[str]:
    """Return the different words of texts as they are written, with the parts of joined ones."""
    found: dict[str, None] = {}
    for text in texts:
        for word in WORD.findall(text[: SHOWN * 8]):
            found[word.casefold()] = None
    return list(found)[:MOST_WORDS]


def marked(text: str, wanted: Collection[str]) -> tuple[Piece, ...]:
    """Return a text, cut around its first wanted word, in pieces; `wanted` is in casefold."""
    flat = " ".join(text.split())
    spans = [one.span() for one in WORD.finditer(flat) if one.group().casefold() in wanted]
    start, end = _window(flat, spans[0][0] if spans else 0)
    pieces = [Piece("…", is_marked=False)] if start else []
    at = start
    for low, high in _joined(flat, spans):
        if low < at or high > end:
            continue
        pieces += [Piece(flat[at:low], is_marked=False), Piece(flat[low:high], is_marked=True)]
        at = high
    tail = flat[at:end] + ("…" if end < len(flat) else "")
    pieces.append(Piece(tail, is_marked=False))
    return tuple(piece for piece in pieces if piece.text)


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans with neighbours made one, so that a phrase is marked as a whole."""
    result: list[tuple[int, int]] = []
    for low, high in spans:
        if result and not text[result[-1][1] : low].strip():
            result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return result


def _window(text: str, first: int) -> tuple[int, int]:
    if len(text) <= SHOWN:
        return 0, len(text)
    start = max(0, first - BEFORE)
    # At a word's beginning, so that nothing is cut in its middle.
    start = text.find(" ", start) + 1 if start else 0
    end = min(len(text), start + SHOWN)
    return start, (text.rfind(" ", start, end) if end < len(text) else end)
