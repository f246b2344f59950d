"""Receipts in bulk: most events of a busy line, and nearly all say one thing of one message.

One statement moves every message that can only be the one meant. Ids that are unknown or not unique
go the way of all other effects.
"""

from collections.abc import Iterable
from typing import NamedTuple

from messaging.ingest.apply.bubbles import ORDER, RANK
from messaging.ingest.apply.context import Batch
from messaging.ingest.envelope.facts import StatusFact
from messaging.sql import array

# The ids come first in the plan, whatever the planner believes of the tables. Statuses are judged
# by the row as it is when it is locked: senders write them without the lock of the line.
_MOVE = f"""
WITH found AS MATERIALIZED (
    SELECT m.id, m.conversation_id, m.provider_id,
           count(*) OVER (PARTITION BY m.provider_id) = 1 AS is_sure
    FROM messaging_message m JOIN messaging_conversation c ON c.id = m.conversation_id
    WHERE m.connection_id = %(line)s AND m.provider_id = ANY(%(ids)s::text[])
      AND m.direction = 'outbound' AND c.is_live
), moved AS (
    UPDATE messaging_message m SET status = t.status, status_at = t.status_at
    FROM found JOIN unnest(%(ids)s::text[], %(statuses)s::text[], %(times)s::timestamptz[])
        AS t (provider_id, status, status_at) USING (provider_id)
    WHERE m.id = found.id AND found.is_sure
      AND (array_position({ORDER}, t.status) > array_position({ORDER}, m.status::text)
           OR (m.status = t.status AND t.status_at < m.status_at))
    RETURNING m.id
)
SELECT found.id, found.conversation_id, found.provider_id, moved.id IS NOT NULL
FROM found LEFT JOIN moved USING (id) WHERE found.is_sure
"""  # noqa: S608  (constants)
_TICKS = """
UPDATE messaging_conversation c SET preview_status = m.status
FROM messaging_message m
WHERE c.id = ANY(%s::bigint[]) AND c.last_message_id = ANY(%s::bigint[])
  AND m.id = c.last_message_id AND c.preview_status <> m.status
"""


class Receipts(NamedTuple):
    """Messages of ours that WhatsApp knows, and those that it refused."""

    arrived: list[int]
    refused: list[int]

    def plus(self, other: "Receipts") -> "Receipts":
        return Receipts(
            sorted({*self.arrived, *other.arrived}), sorted({*self.refused, *other.refused})
        )


NOTHING = Receipts([], [])


def move(batch: Batch, facts: Iterable[StatusFact]) -> tuple[Receipts, set[str]]:
    """Move statuses up; returns what that told and the ids of which something is left to do."""
    best: dict[str, StatusFact] = {}
    for fact in facts:
        known = best.get(fact.provider_id)
        if known is None or _covers(fact, known):
            best[fact.provider_id] = fact
    if not best:
        return NOTHING, set()
    told = list(best.values())
    values = {
        "line": batch.line.pk,
        "ids": array(best),
        "statuses": array([fact.status for fact in told]),
        "times": array([fact.at for fact in told]),
    }
    found = batch.sql.rows(_MOVE, values, binary=True)
    moved = [row for row in found if row[3]]
    if moved:
        ids, conversations = {row[0] for row in moved}, {row[1] for row in moved}
        show_ticks(batch, ids, conversations)
        batch.changed |= ids
        batch.changed_conversations |= conversations
    refused = {pk for pk, _, ident, _ in moved if best[ident].status == "failed"}
    arrived = sorted({row[0] for row in found} - refused)
    return Receipts(arrived, sorted(refused)), best.keys() - {row[2] for row in found}


def show_ticks(batch: Batch, message_ids: Iterable[int], conversation_ids: Iterable[int]) -> None:
    """Let previews repeat the new statuses of their messages; that needs no chat to be loaded."""
    batch.sql.run(_TICKS, [array(sorted(conversation_ids)), array(sorted(message_ids))])


def _covers(new: StatusFact, known: StatusFact) -> bool:
    """The higher status wins, of the same one the earlier."""
    rank, before = RANK[new.status], RANK[known.status]
    return rank > before or (rank == before and new.at < known.at)
