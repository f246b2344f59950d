"""Edits: the text said last is shown, every earlier one is kept.

A message's texts are its original, its stored versions and the shown one. All edits of a batch
are folded with them as a set, so that the result does not depend on the order of arrival.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from messaging.ingest.apply.context import Batch
from messaging.ingest.apply.targets import Target
from messaging.sql import columns

_VERSIONS = """
SELECT message_id, written_at, text, written_at_estimated FROM messaging_messageversion
WHERE message_id = ANY(%s)
"""
_REWRITE = """
UPDATE messaging_message m SET
    text = t.text, edited_at = t.edited_at, edited_at_estimated = t.estimated,
    edited_text_unknown = t.unknown, deleted_at = t.deleted_at
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bool[], %s::bool[], %s::timestamptz[])
    AS t (id, text, edited_at, estimated, unknown, deleted_at)
WHERE m.id = t.id
"""
_FORGET = """
DELETE FROM messaging_messageversion v
USING unnest(%s::bigint[], %s::timestamptz[]) AS t (message_id, written_at)
WHERE v.message_id = t.message_id AND v.written_at = t.written_at
"""
_KEEP = """
INSERT INTO messaging_messageversion (message_id, written_at, text, written_at_estimated)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::bool[])
ON CONFLICT ON CONSTRAINT messaging_messageversion_unique DO NOTHING
"""


_TICK = timedelta(milliseconds=1)


class Said(NamedTuple):
    at: datetime
    text: str
    is_estimated: bool


def fold(edits: list[Said]) -> list[Said]:
    """Return the edits in order of time, twins made one.

    2.3.7 reports an edit twice: exactly timed, and as an update that has only a time of receipt.
    """
    exact = {said.text for said in edits if not said.is_estimated}
    kept: dict[object, Said] = {}
    for said in edits:
        if not said.is_estimated:
            kept[(said.at, said.text)] = said
        elif said.text not in exact:
            known = kept.get(said.text)
            kept[said.text] = said if known is None or said.at < known.at else known
    return sorted(kept.values())


def write_texts(batch: Batch, targets: list[Target]) -> None:
    """Write new texts, versions and tombstones of these messages."""
    if not targets:
        return
    edited = [one.id for one in targets if one.edits]
    stored: dict[int, list[Said]] = {}
    if edited:
        for message, at, text, is_estimated in batch.sql.rows(_VERSIONS, [edited]):
            stored.setdefault(message, []).append(Said(at, text, is_estimated))
    stale: list[tuple[int, datetime]] = []
    fresh: list[tuple[int, datetime, str, bool]] = []
    for one in targets:
        if one.edits:
            _rewrite(one, stored.get(one.id, []), stale, fresh)
    _write(batch, targets, stale, fresh)


def _rewrite(
    one: Target,
    versions: list[Said],
    stale: list[tuple[int, datetime]],
    fresh: list[tuple[int, datetime, str, bool]],
) -> None:
    versions.sort()
    original = versions.pop(0) if versions else Said(one.occurred_at, one.text, is_estimated=False)
    known = list(versions)
    if one.edited_at is not None:
        known.append(Said(one.edited_at, one.text, one.edited_estimated))
    new = [
        # Two phones' clocks may differ; the original must stay the first of the texts.
        Said(max(edit.at, one.occurred_at + _TICK), edit.payload["text"], edit.payload["estimated"])
        for edit in one.edits
        if edit.payload["text"] is not None
    ]
    said = fold(known + new)
    if not said:
        one.is_rewritten |= not one.text_unknown and one.deleted_at is None
        one.text_unknown = one.deleted_at is None
        return
    shown = said.pop()
    is_same = (one.edited_at, one.text, one.edited_estimated) == shown
    one.is_rewritten |= not is_same or one.text_unknown
    one.text, one.edited_at, one.edited_estimated = shown.text, shown.at, shown.is_estimated
    one.text_unknown = False
    stale += [(one.id, version.at) for version in versions if version not in said]
    # The original counts as kept once there is any version; writing it again changes nothing.
    fresh += [(one.id, *version) for version in (original, *said) if version not in versions]


def _write(
    batch: Batch,
    targets: list[Target],
    stale: list[tuple[int, datetime]],
    fresh: list[tuple[int, datetime, str, bool]],
) -> None:
    if stale:
        batch.sql.run(_FORGET, columns(stale, 2))
    if fresh:
        batch.sql.run(_KEEP, columns(fresh, 4))
    rows = [
        (one.id, one.text, one.edited_at, one.edited_estimated, one.text_unknown, one.deleted_at)
        for one in targets
        if one.is_rewritten
    ]
    if rows:
        batch.sql.run(_REWRITE, columns(rows, 6))
