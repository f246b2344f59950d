"""Carry out effects on their messages, in memory first, then with one statement for each table."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from messaging.ingest.apply.bubbles import ORDER, RANK
from messaging.ingest.apply.chats import Chats
from messaging.ingest.apply.context import Batch
from messaging.ingest.apply.effects import Effect
from messaging.ingest.apply.receipts import Receipts, show_ticks
from messaging.ingest.apply.targets import Target
from messaging.ingest.apply.texts import write_texts
from messaging.sql import columns

# Guarded, because senders write statuses too and do not take the lock of the line.
_RECEIPTS = f"""
UPDATE messaging_message m SET status = t.status, status_at = t.status_at
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS t (id, status, status_at)
WHERE m.id = t.id AND array_position({ORDER}, t.status) >= array_position({ORDER}, m.status::text)
"""  # noqa: S608  (constants)
_REACTIONS = """
INSERT INTO messaging_reaction AS r (message_id, author_id, emoji, reacted_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
    AS t (message_id, author_id, emoji, reacted_at)
ON CONFLICT ON CONSTRAINT messaging_reaction_unique DO UPDATE
SET emoji = excluded.emoji, reacted_at = excluded.reacted_at
WHERE (excluded.reacted_at, excluded.emoji) > (r.reacted_at, r.emoji)
"""
_VOTES = """
INSERT INTO messaging_pollvote AS v (message_id, voter_id, options, voted_at)
SELECT message_id, voter_id,
       ARRAY(SELECT jsonb_array_elements_text(options::jsonb)), voted_at
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
    AS t (message_id, voter_id, options, voted_at)
ON CONFLICT ON CONSTRAINT messaging_pollvote_unique DO UPDATE
SET options = excluded.options, voted_at = excluded.voted_at
WHERE (excluded.voted_at, excluded.options) > (v.voted_at, v.options)
"""
_TALLIES = """
UPDATE messaging_message m SET extra = coalesce(m.extra, '{}') || t.extra::jsonb
FROM unnest(%s::bigint[], %s::text[]) AS t (id, extra) WHERE m.id = t.id
"""


class Outcomes:
    """Collects what the effects of a batch do, and writes it."""

    def __init__(self, batch: Batch, chats: Chats) -> None:
        self._batch = batch
        self._chats = chats
        self._touched: dict[int, Target] = {}
        self._told: dict[int, Target] = {}
        self._answers: dict[str, dict[tuple[int, int | None], tuple[datetime, Any]]] = {
            "reaction": {},
            "vote": {},
        }

    def apply(self, effect: Effect, target: Target) -> None:
        self._touched[target.id] = target
        _STEPS[effect.kind](self, effect, target)

    def status(self, effect: Effect, target: Target) -> None:
        self._told[target.id] = target
        status, at = effect.payload["status"], effect.at
        known, new = RANK.get(target.status, 0), RANK[status]
        is_earlier = new == known and target.status_at is not None and at < target.status_at
        if new > known or is_earlier:
            target.status, target.status_at = status, at
            target.is_receipt = True

    def read(self, _effect: Effect, target: Target) -> None:
        chat = self._chats.by_id.get(target.conversation)
        if chat is not None:
            chat.read_up_to(target.occurred_at)

    def edit(self, effect: Effect, target: Target) -> None:
        target.edits.append(effect)

    def delete(self, effect: Effect, target: Target) -> None:
        at = effect.at
        if target.deleted_at is None or at < target.deleted_at:
            target.deleted_at, target.is_rewritten = at, True
            target.text_unknown = False

    def reaction(self, effect: Effect, target: Target) -> None:
        self._answer("reaction", effect, target, effect.payload["emoji"])

    def vote(self, effect: Effect, target: Target) -> None:
        self._answer("vote", effect, target, effect.payload["options"])

    def _answer(self, kind: str, effect: Effect, target: Target, value: Any) -> None:
        author = self._batch.contacts.get(effect.author_key())
        if author is None and not self._is_ours(effect):
            return
        known = self._answers[kind].get((target.id, author))
        if known is None or (effect.at, value) > known:
            self._answers[kind][(target.id, author)] = (effect.at, value)
        target.is_answered = True

    def _is_ours(self, effect: Effect) -> bool:
        """Our own side has no contact; anybody else without one is unknown."""
        return bool(effect.payload["from_me"]) or effect.author_key() in self._batch.own

    def tally(self, effect: Effect, target: Target) -> None:
        at = effect.payload["at"]
        known = target.tally or (target.extra().get("tally_at", 0), [])
        if at > known[0]:
            target.tally = (at, effect.payload["tally"])

    def receipts(self) -> Receipts:
        """Return what receipts said of messages in this batch."""
        told = self._told.values()
        refused = {one.id for one in told if one.is_receipt and one.status == "failed"}
        return Receipts(sorted(self._told.keys() - refused), sorted(refused))

    def write(self) -> None:
        touched = sorted(self._touched.values(), key=lambda one: one.id)
        write_texts(self._batch, [one for one in touched if one.edits or one.is_rewritten])
        self._write_receipts([one for one in touched if one.is_receipt])
        self._write_answers("reaction", _REACTIONS, lambda value: value)
        self._write_answers("vote", _VOTES, lambda value: orjson.dumps(value).decode())
        self._write_tallies([one for one in touched if one.tally])
        for one in touched:
            if one.is_rewritten:
                self._refresh(one)
            if one.is_rewritten or one.is_receipt or one.is_answered or one.tally:
                self._batch.changed.add(one.id)
                self._batch.changed_conversations.add(one.conversation)

    def _refresh(self, one: Target) -> None:
        chat = self._chats.by_id.get(one.conversation)
        if chat is not None:
            chat.is_touched = True

    def _write_receipts(self, changed: list[Target]) -> None:
        if not changed:
            return
        rows = [(one.id, one.status, one.status_at) for one in changed]
        self._batch.sql.run(_RECEIPTS, columns(rows, 3))
        show_ticks(self._batch, [one.id for one in changed], {one.conversation for one in changed})

    def _write_answers(self, kind: str, statement: str, form: Callable[[Any], Any]) -> None:
        found = self._answers[kind]
        rows = [
            (message, author, form(value), at)
            for (message, author), (at, value) in sorted(
                found.items(), key=lambda pair: (pair[0][0], pair[0][1] or 0)
            )
        ]
        if rows:
            self._batch.sql.run(statement, columns(rows, 4))

    def _write_tallies(self, changed: list[Target]) -> None:
        rows = [
            (one.id, orjson.dumps({"tally_at": one.tally[0], "tally": one.tally[1]}).decode())
            for one in changed
            if one.tally
        ]
        if rows:
            self._batch.sql.run(_TALLIES, columns(rows, 2))


_STEPS: dict[str, Callable[[Outcomes, Effect, Target], None]] = {
    "status": Outcomes.status,
    "read": Outcomes.read,
    "edit": Outcomes.edit,
    "delete": Outcomes.delete,
    "reaction": Outcomes.reaction,
    "vote": Outcomes.vote,
    "tally": Outcomes.tally,
}
