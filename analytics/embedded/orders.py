"""Which parts of a message are orders to its judge: each by itself, then beside its neighbours."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.embedded import listener
from analytics.embedded.disguise import latin, letters
from analytics.embedded.patterns import order_spans
from analytics.embedded.pieces import SENTENCE, Piece, clauses, sentences
from analytics.embedded.text import fold

Array = NDArray[np.float32]
Span = tuple[int, int]

# What belongs to the order that it follows.
_END = re.compile(r"[\s.!?,;:\"')\]}]*")
# A message without a sentence above this log-odds is not looked at any closer.
SUSPECT = -3.0
# What a pattern found counts like this; scores beyond `MOST` say nothing more.
FOUND, MOST = 6.0, 7.0
# Beyond the first and the last piece nobody gives orders.
NOBODY = -2.0
# What beginning to give orders costs, and what each change does by the joint it happens at.
BEGINNING = 1.0
# Taken off all log-odds: an honest part cut away costs more than a rest of an order left. More
# where patterns found an order: they find the whole of most.
DOUBT, DOUBT_BESIDE = 0.5, 3.2
# What people tell of their own opinion, and how much that speaks against an order.
_OWN = re.compile(
    r"\b(?:minha|meu|nossa|my|our|mi|nuestra)\s+(?:avaliac|nota|satisfac|opini|rating|review)"
)
OWN = 3.0
CHANGE = (1.0, 0.5, 0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Heard:
    """A suspect message in pieces, with log-odds of each and of the sentence it stands in."""

    text: str
    pieces: list[Piece]
    own: list[float]
    places: list[int]
    around: list[float]
    found: list[bool]


def orders_in(texts: Sequence[str]) -> list[list[Span]]:
    """Return from where to where each text gives orders to its judge, in order."""
    weights = listener.listener().context
    return [
        spans(one, listener.weighed(context(one), weights)) if one else []
        for one in hear(texts, listener.scores)
    ]


def hear(texts: Sequence[str], score: Callable[[Sequence[str]], Array]) -> list[Heard | None]:
    """Return the suspect ones of the texts in pieces, None for the others.

    Two calls of `score` for all: sentences first, the pieces of suspect messages then.
    """
    seen = [latin(text) for text in texts]
    found = [_found(text) for text in seen]
    cuts = [[at for span in spans for at in span] for spans in found]
    wholes = [sentences(*pair) for pair in zip(seen, cuts, strict=True)]
    around = _scored(seen, wholes, score)
    parts = [
        clauses(text, cut) if spans or max(told, default=NOBODY) > SUSPECT else []
        for text, cut, spans, told in zip(seen, cuts, found, around, strict=True)
    ]
    own = _scored(seen, parts, score)
    return [
        _heard(seen[i], parts[i], own[i], wholes[i], around[i], found[i]) if parts[i] else None
        for i in range(len(seen))
    ]


def _found(text: str) -> list[Span]:
    even = fold(letters(text))
    # Rare letters change the length; then the model alone has to do.
    spans = order_spans(even) if len(even) == len(text) else []
    return [(start, _after(even, end)) for start, end in spans]


def _after(even: str, end: int) -> int:
    match = _END.match(even, end)
    return match.end() if match else end


def _scored(
    texts: Sequence[str], parted: Sequence[Sequence[Piece]], score: Callable[[Sequence[str]], Array]
) -> list[list[float]]:
    said = [
        text[piece.start : piece.end].strip()
        for text, pieces in zip(texts, parted, strict=True)
        for piece in pieces
    ]
    told = iter(score(said) if said else ())
    return [[float(next(told)) for _piece in pieces] for pieces in parted]


def _heard(
    text: str,
    parts: list[Piece],
    own: list[float],
    wholes: list[Piece],
    around: list[float],
    found: list[Span],
) -> Heard:
    begins = np.array([whole.start for whole in wholes])
    places = [int((begins <= part.start).sum()) - 1 for part in parts]
    inside = [_within(text, part, found) for part in parts]
    ordered = {place for place, is_order in zip(places, inside, strict=True) if is_order}
    return Heard(
        text,
        parts,
        [max(value, FOUND) if inside[i] else value for i, value in enumerate(own)],
        places,
        [max(value, FOUND) if i in ordered else value for i, value in enumerate(around)],
        inside,
    )


def _within(text: str, part: Piece, found: list[Span]) -> bool:
    """Tell whether the first word of the part stands in what was found; before it may be gaps."""
    first = next((i for i in range(part.start, part.end) if text[i].isalnum()), part.start)
    return any(start <= first < end for start, end in found)


def context(heard: Heard) -> Array:
    """Return one row a piece: what is said in it, around it, before it and after it."""
    own, around = _bounded(heard.own), _bounded(heard.around)
    known = float(any(heard.found))
    rows = []
    for i, piece in enumerate(heard.pieces):
        place = heard.places[i]
        alone = float(heard.places.count(place) == 1)
        last = i + 1 == len(own)
        before, after = own[i - 1] if i else NOBODY, NOBODY if last else own[i + 1]
        apart = float(piece.joint >= SENTENCE)
        ends = 1.0 if last else float(heard.pieces[i + 1].joint >= SENTENCE)
        words = len(heard.text[piece.start : piece.end].split())
        rows.append(
            [
                own[i],
                (1 - alone) * around[place],
                alone * own[i],
                1 - alone,
                around[place - 1] if place else NOBODY,
                around[place + 1] if place + 1 < len(around) else NOBODY,
                before * apart,
                before * (1 - apart),
                after * ends,
                after * (1 - ends),
                max(around),
                min(words, 12) / 6,
                float(words <= 2),
                min(own[i], 0.0),
                min(before, after),
                known,
                known * own[i],
                (1 - alone) * min(own[i] - around[place], 0.0),
            ]
        )
    return np.array(rows, dtype=np.float32)


def _bounded(values: Sequence[float]) -> list[float]:
    return [float(np.tanh(value / MOST) * MOST) for value in values]


def spans(heard: Heard, odds: Array) -> list[Span]:
    """Return the runs of pieces that together are likeliest orders, by each one's log-odds."""
    found: list[Span] = []
    for piece, is_order in zip(heard.pieces, _likeliest(heard, odds), strict=True):
        if is_order and found and found[-1][1] == piece.start:
            found[-1] = (found[-1][0], piece.end)
        elif is_order:
            found.append((piece.start, piece.end))
    return found


def _own(heard: Heard, piece: Piece) -> float:
    return OWN if _OWN.search(fold(heard.text[piece.start : piece.end])) else 0.0


def _likeliest(heard: Heard, odds: Array) -> list[bool]:
    """Return for each piece whether it is an order (Viterbi's way of two states)."""
    honest, order = 0.0, -BEGINNING
    doubt = DOUBT_BESIDE if any(heard.found) else DOUBT
    came: list[tuple[bool, bool]] = []
    for i, piece in enumerate(heard.pieces):
        change = CHANGE[piece.joint] if i else 0.0
        stays, begins = order, honest - BEGINNING - change
        came.append((order - change > honest, stays >= begins))
        honest = max(honest, order - change)
        order = max(stays, begins) + (
            100.0 if heard.found[i] else float(odds[i]) - doubt - _own(heard, piece)
        )
    told = [order > honest]
    for from_honest, from_order in reversed(came[1:]):
        told.append(from_order if told[-1] else from_honest)
    return told[::-1]
