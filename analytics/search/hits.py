"""Hits as pages and the API show them: the message, how near it is and why it was found."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

import orjson
from django.utils.translation import gettext_lazy as _

from analytics.search import meaning, spaces
from analytics.search.query import Literal
from analytics.search.service import Found
from analytics.search.text import WORD, Piece, fold, marked, words_of
from analytics.search.topics import TOPICS
from evosense.core.errors import Invalid
from messaging.selectors.matches import Match, matched_words, matches

PAGE = 20
MOST_REASONS = 3

Label = OneOf["strong", "medium", "weak"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: `word` and `literal` name what stands in the text, `meaning` what it is about or ""."""

    kind: OneOf["word", "literal", "meaning", "transcript"]
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One message found. `similarity` is None where it has no place yet or none was asked for."""

    message: Match
    pieces: tuple[Piece, ...]
    reasons: tuple[Reason, ...]
    similarity: float | None
    label: Label | None
    position: int


@dataclass(frozen=True, slots=True)
class HitPage:
    hits: list[Hit]
    next: str | None
    first: int


def hit_page(found: Found, *, cursor: str | None, limit: int = PAGE, show_numbers: bool) -> HitPage:
    """Return one page of a search in a fixed number of queries; raises Invalid for the cursor."""
    start = _after(found.pks, cursor)
    pks = found.pks[start : start + limit]
    rows = matches(pks, show_numbers=show_numbers)
    near = dict(found.similarity)
    if found.space is not None and found.vector is not None:
        unknown = [pk for pk in pks if pk not in near]
        near |= meaning.similarities(found.space, found.vector, unknown)
    wanted = _marked_words(found, rows)
    hits = [
        _hit(row, found, near.get(row.pk), wanted, start + offset)
        for offset, row in enumerate(rows, start=1)
    ]
    more = start + limit < len(found.pks)
    return HitPage(hits, _cursor(pks[-1], start + limit) if more else None, start + 1)


def _hit(row: Match, found: Found, near: float | None, wanted: set[str], position: int) -> Hit:
    literal = found.literal.get(row.pk)
    own = wanted | _parts(literal)
    text = row.text or row.transcript
    pieces = marked(text, own)
    return Hit(
        message=row,
        pieces=pieces,
        reasons=tuple(_reasons(row, found, pieces, literal)[: MOST_REASONS + 1]),
        similarity=None if near is None else round(max(-1.0, min(1.0, near)), 4),
        label=_label(found, near),
        position=position,
    )


def _label(found: Found, near: float | None) -> Label | None:
    if near is None or found.space is None:
        return None
    medium, strong = spaces.cuts(found.space)
    if near >= strong:
        return "strong"
    return "medium" if near >= medium else "weak"


def _reasons(
    row: Match, found: Found, pieces: Sequence[Piece], literal: Literal | None
) -> list[Reason]:
    reasons: list[Reason] = []
    if not row.text and row.transcript:
        reasons.append(Reason("transcript", ""))
    if literal is not None:
        reasons.append(Reason("literal", literal.text))
    words = {fold(one.text): one.text for one in pieces if one.is_marked}
    told = fold(literal.text) if literal else ""
    reasons += [Reason("word", text) for key, text in words.items() if key != told][:MOST_REASONS]
    if row.pk in found.similarity:
        reasons.insert(0, Reason("meaning", _about(found.query.text, row.text or row.transcript)))
    return reasons


def _about(query: str, text: str) -> str:
    """Return what both are about in a word of the reader's language, "" when none is known."""
    # Its tables are loaded with the engines, by those processes only that search by meaning.
    from analytics.embedded.explain import reasons  # noqa: PLC0415

    name = next((one.text for one in reasons(query, text) if one.kind == "meaning"), "")
    return str(TOPICS.get(name, ""))


def _marked_words(found: Found, rows: Sequence[Match]) -> set[str]:
    """Return the words of these texts that stand for something asked, compared as the index is."""
    words = words_of([row.text or row.transcript for row in rows])
    return matched_words(words, found.query.asked) if words else set()


def _parts(literal: Literal | None) -> set[str]:
    if literal is None:
        return set()
    return {word.casefold() for one in literal.variants for word in WORD.findall(one)}


def _cursor(pk: int, position: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([pk, position])).decode().rstrip("=")


def _after(pks: Sequence[int], cursor: str | None) -> int:
    """Return where the page after a hit begins; where it stood when it is no longer a hit."""
    if not cursor:
        return 0
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        pk, position = orjson.loads(raw)
        pk, position = int(pk), int(position)
    except (ValueError, TypeError, binascii.Error) as error:
        message = _("This cursor is not one that a list returned.")
        raise Invalid("invalid_cursor", message, field="cursor") from error
    if pk in pks:
        return pks.index(pk) + 1
    return max(0, min(position, len(pks)))
