"""Personal data out of texts before they leave for a model, and back into what comes home.

The order is a rule (ai.md §1.9): what has check digits is looked for first, so that a card is not
taken for a phone number, and order numbers and protocols stay as they are. Names are not found by
pattern: only those that we know are replaced. What stands for what is kept in memory only.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from analytics.redaction.finders import FINDERS, Finder
from analytics.redaction.names import name_finder

__all__ = ["Redacted", "redact"]

_PLACEHOLDER = re.compile(r"\[[A-Z]{2,10}_\d{1,4}\]")


@dataclass(frozen=True, slots=True)
class Redacted:
    """`texts` in the order they came; `kinds` that were found, without any value."""

    texts: list[str] = field(repr=False)
    kinds: frozenset[str] = frozenset()
    originals: dict[str, str] = field(default_factory=dict, repr=False)

    def restore(self, text: str) -> str:
        """Put back what the placeholders of this request stand for; others stay as they are."""
        return _PLACEHOLDER.sub(lambda hit: self.originals.get(hit[0], hit[0]), text)


def redact(texts: Sequence[str], names: Iterable[str] = ()) -> Redacted:
    """Replace personal data in `texts`; the same value gets the same placeholder in all of them.

    `names` are those of the contact and of the attendants, as far as they are known.
    """
    finders = [*FINDERS, *name_finder(names)]
    # A customer's own "[CPF_1]" must not come back as another person's number.
    book = _Book(frozenset(hit[0] for text in texts for hit in _PLACEHOLDER.finditer(text)))
    replaced = [_redacted(text, finders, book) for text in texts]
    return Redacted(replaced, frozenset(book.counts), book.originals)


@dataclass(slots=True)
class _Book:
    """Which placeholder stands for what."""

    taken: frozenset[str]
    originals: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    by_value: dict[tuple[str, str], str] = field(default_factory=dict)

    def placeholder(self, kind: str, value: str) -> str:
        known = self.by_value.get((kind, value))
        return known or self._made(kind, value)

    def _made(self, kind: str, value: str) -> str:
        while True:
            number = self.counts[kind] = self.counts.get(kind, 0) + 1
            made = f"[{kind}_{number}]"
            if made not in self.taken:
                break
        self.by_value[kind, value] = made
        self.originals[made] = value
        return made


@dataclass(frozen=True, slots=True)
class _Kept:
    """A stretch that a finder claimed; those after it do not look into it."""

    kind: str
    value: str


def _redacted(text: str, finders: Sequence[Finder], book: _Book) -> str:
    pieces: list[str | _Kept] = [text]
    for finder in finders:
        pieces = [part for piece in pieces for part in _split(piece, finder)]
    return "".join(
        piece if isinstance(piece, str) else book.placeholder(piece.kind, piece.value)
        for piece in pieces
    )


def _split(piece: "str | _Kept", finder: Finder) -> Iterator["str | _Kept"]:
    if isinstance(piece, _Kept) or not piece or (finder.needs and not finder.needs.search(piece)):
        yield piece
        return
    place = 0
    for start, end in finder.spans(piece):
        yield piece[place:start]
        yield _Kept(finder.kind, piece[start:end])
        place = end
    yield piece[place:]
