"""Messages by their words: any of them, best first; phrases and exclusions hold strictly.

All words of a question are hardly ever in one message: with AND nothing was found for it, with OR a
quarter (ai.md §4.5). What somebody quotes, and numbers, addresses and ids, are meant literally.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from analytics.search.query import COMMON, Literal, Query, digits_of
from analytics.search.text import fold
from messaging.selectors import matches

# Newest messages that are looked at more closely; ranking parses the text of each.
MOST_ALL, MOST_ANY = 300, 600
MOST_LITERAL = 100
_SEPARATED = re.compile(r"(?<=\d)[.,/()\s-]+(?=\d)")


def by_words(rows: "QuerySet[Any]", query: Query, limit: int) -> list[int]:
    """Return the messages that say most of the query, best first; literal ones are not in front."""
    required = [matches.words_query(one, is_phrase=True) for one in query.phrases]
    plain = [matches.words_query(word) for word in _telling(query.words)]
    if not required and not plain:
        return []
    every = reduce(and_, [*required, *plain])
    found = matches.newest_with(rows, every, MOST_ALL)
    if len(plain) > 1:
        any_of_them: SearchQuery = reduce(or_, plain)
        loose = reduce(and_, [*required, any_of_them])
        found += matches.newest_with(rows, loose, MOST_ANY)
    return matches.ranked(set(found), reduce(or_, [*required, *plain]))[:limit]


def literally(rows: "QuerySet[Any]", literals: Sequence[Literal]) -> dict[int, Literal]:
    """Return the messages in which a literal stands, with the first that does, newest first."""
    found: dict[int, Literal] = {}
    for literal in literals:
        if literal.kind == "sign":
            held = matches.newest_holding(rows, literal.text, MOST_LITERAL)
            found |= {pk: literal for pk in held if pk not in found}
            continue
        if literal.kind == "id":
            found |= {pk: literal for pk in matches.with_id(rows, literal.text) if pk not in found}
        queries = [matches.words_query(one, is_phrase=True) for one in literal.variants]
        pks = matches.newest_with(rows, reduce(or_, queries), MOST_LITERAL)
        texts = matches.texts(pks)
        found |= {pk: literal for pk in pks if pk not in found and holds(texts[pk], literal)}
    return found


def holds(text: str, literal: Literal) -> bool:
    """Tell whether a literal stands in a text, whatever the accents and separators."""
    if literal.kind == "number":
        joined = _SEPARATED.sub("", text)
        return re.search(rf"(?<!\d){digits_of(literal.text)}(?!\d)", joined) is not None
    return fold(literal.text) in fold(text)


def drop_excluded(pks: Sequence[int], query: Query) -> list[int]:
    """Return the messages without those that say something excluded."""
    kept = set(pks)
    for one in query.excluded:
        if kept:
            kept &= matches.without_words(kept, matches.words_query(one, is_phrase=True))
    return [pk for pk in pks if pk in kept]


def _telling(words: Sequence[str]) -> list[str]:
    telling = [word for word in words if fold(word) not in COMMON]
    return telling or list(words)
