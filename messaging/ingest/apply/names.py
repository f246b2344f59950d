"""Names and pictures of contacts: the last word wins, and an agent's word is final."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from messaging.addresses import search_form
from messaging.ingest.apply.context import Batch
from messaging.sql import columns

Said = tuple[datetime, str]

# `name_at` tells which of two names from the same source was said last; arrival does not.
_UPDATE = """
WITH said AS (
    SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[],
                         %s::timestamptz[], %s::text[], %s::text[], %s::text[])
        AS t (id, p_at, p_name, p_search, b_at, b_name, b_search, avatar)
), weighed AS (
    SELECT said.*,
        said.p_at IS NOT NULL AND (c.push_name_at IS NULL
            OR (said.p_at, said.p_name) > (c.push_name_at, c.push_name)) AS new_push,
        said.b_at IS NOT NULL AND c.name_source <> 'agent' AND (c.name_source <> 'address_book'
            OR c.name_at IS NULL OR (said.b_at, said.b_name) > (c.name_at, c.name)) AS use_book,
        said.p_at IS NOT NULL AND c.name_source IN ('', 'profile') AND (c.name_at IS NULL
            OR (said.p_at, said.p_name) > (c.name_at, c.name)) AS use_push
    FROM messaging_contact c JOIN said ON said.id = c.id
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE messaging_contact c SET
    push_name = CASE WHEN w.new_push THEN w.p_name ELSE c.push_name END,
    push_name_at = CASE WHEN w.new_push THEN w.p_at ELSE c.push_name_at END,
    name = CASE WHEN w.use_book THEN w.b_name WHEN w.use_push THEN w.p_name ELSE c.name END,
    name_at = CASE WHEN w.use_book THEN w.b_at WHEN w.use_push THEN w.p_at ELSE c.name_at END,
    name_source = CASE WHEN w.use_book THEN 'address_book' WHEN w.use_push THEN 'profile'
                       ELSE c.name_source END,
    search_name = CASE WHEN w.use_book THEN w.b_search WHEN w.use_push THEN w.p_search
                       ELSE c.search_name END,
    avatar_url = CASE WHEN w.avatar <> '' THEN w.avatar ELSE c.avatar_url END,
    updated_at = CASE WHEN (w.use_book AND w.b_name <> c.name)
                        OR (w.use_push AND NOT w.use_book AND w.p_name <> c.name)
                        OR (w.avatar <> '' AND w.avatar <> c.avatar_url)
                      THEN now() ELSE c.updated_at END
FROM weighed w
WHERE c.id = w.id
  AND (w.new_push OR w.use_book OR w.use_push OR (w.avatar <> '' AND w.avatar <> c.avatar_url))
"""


@dataclass(slots=True)
class _Sayings:
    push: Said | None = None
    book: Said | None = None
    avatar: str = ""


_search = lru_cache(maxsize=20_000)(search_form)


class Names:
    """Collects what a batch says about names, at most one of each source for a contact."""

    def __init__(self, own_profile: str) -> None:
        self._own = own_profile
        self._by_contact: dict[int, _Sayings] = {}

    def say(
        self, contact: int | None, name: str, at: datetime, *, avatar: str = "", book: bool = False
    ) -> None:
        # Evolution sometimes puts our own profile name on the partner of our message.
        name = "" if name == self._own else name
        if contact is None or not (name or avatar):
            return
        sayings = self._by_contact.setdefault(contact, _Sayings())
        sayings.avatar = avatar or sayings.avatar
        if name and book:
            sayings.book = max(sayings.book or (at, name), (at, name))
        elif name:
            sayings.push = max(sayings.push or (at, name), (at, name))

    def write(self, batch: Batch) -> None:
        rows = [_row(contact, self._by_contact[contact]) for contact in sorted(self._by_contact)]
        if rows:
            batch.sql.run(_UPDATE, columns(rows, 8))


def _row(contact: int, said: _Sayings) -> tuple[object, ...]:
    push_at, push = said.push or (None, "")
    book_at, book = said.book or (None, "")
    return (
        contact,
        push_at,
        push,
        _search(push),
        book_at,
        book,
        _search(book),
        said.avatar,
    )
