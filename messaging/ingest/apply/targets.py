"""Which stored message an effect means: ids are chosen by senders and are not unique."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from messaging.ingest.apply.context import Batch
from messaging.ingest.apply.effects import Effect
from messaging.sql import array

# The edit's clock and the message's are different phones.
_SKEW = timedelta(minutes=1)

_FIND = """
SELECT m.id, m.conversation_id, c.contact_id, c.kind, m.direction, m.author_id, m.type,
       m.provider_id, m.status, m.status_at, m.text, m.occurred_at, m.edited_at,
       m.edited_at_estimated, m.edited_text_unknown, m.deleted_at, m.extra::text
FROM messaging_message m JOIN messaging_conversation c ON c.id = m.conversation_id
WHERE m.connection_id = %s AND m.provider_id = ANY(%s::text[]) AND c.is_live
ORDER BY m.id
"""
# Receipts look neither at the text nor at what only one type has; both may be long.
_FIND_BARE = _FIND.replace("m.text", "''").replace("m.extra::text", "NULL::text")


@dataclass(slots=True)
class Target:
    """A stored message that effects of this batch change."""

    id: int
    conversation: int
    contact: int
    chat_kind: str
    direction: str
    author: int | None
    type: str
    provider_id: str
    status: str
    status_at: datetime | None
    text: str
    occurred_at: datetime
    edited_at: datetime | None
    edited_estimated: bool
    text_unknown: bool
    deleted_at: datetime | None
    raw_extra: str | None
    is_receipt: bool = False
    is_rewritten: bool = False
    is_answered: bool = False
    tally: tuple[int, list[Any]] | None = None
    edits: list[Effect] = field(default_factory=list)

    @property
    def is_outbound(self) -> bool:
        return self.direction == "outbound"

    @property
    def is_group(self) -> bool:
        return self.chat_kind == "group"

    def extra(self) -> dict[str, Any]:
        found = orjson.loads(self.raw_extra) if self.raw_extra else {}
        return found if isinstance(found, dict) else {}


def find_targets(batch: Batch, effects: list[Effect]) -> dict[str, list[Target]]:
    """Load every message of this connection with one of their ids; its lock makes us the writer."""
    found: dict[str, list[Target]] = {}
    if effects:
        provider_ids = sorted({effect.target for effect in effects})
        is_bare = all(effect.kind == "status" for effect in effects)
        statement = _FIND_BARE if is_bare else _FIND
        for row in batch.sql.rows(statement, [batch.line.pk, array(provider_ids)], binary=True):
            target = Target(*row)
            found.setdefault(target.provider_id, []).append(target)
    return found


def choose(batch: Batch, effect: Effect, candidates: list[Target]) -> Target | None:
    """Return the one message that may be meant; None parks the effect."""
    allowed = [one for one in candidates if _may(batch, effect, one)]
    if len(allowed) <= 1:
        return allowed[0] if allowed else None
    here = [one for one in allowed if _is_chat(batch, effect, one)] or allowed
    preferred = [one for one in here if one.is_outbound == _likely_ours(effect)] or here
    return preferred[0] if len(preferred) == 1 else None


def _likely_ours(effect: Effect) -> bool:
    if effect.kind == "reaction":
        return effect.payload.get("target_from_me") is True
    return effect.payload.get("row") is True or effect.payload.get("from_me") is True


def _may(batch: Batch, effect: Effect, one: Target) -> bool:
    rule = _RULES[effect.kind]
    return rule(batch, effect, one)


def _is_chat(batch: Batch, effect: Effect, one: Target) -> bool:
    return batch.contacts.get(effect.chat_key()) == one.contact


def _may_be_chat(batch: Batch, effect: Effect, one: Target) -> bool:
    """True unless the event's address is known to be somebody else's.

    A LID whose phone nobody has told yet may well be the partner of a phone chat.
    """
    contact = batch.contacts.get(effect.chat_key())
    if contact == one.contact or not effect.chat_key():
        return True
    return effect.payload.get("in") == "lid" and (contact is None or contact not in batch.phoned)


def _status(_batch: Batch, _effect: Effect, one: Target) -> bool:
    return one.is_outbound


def _read(batch: Batch, effect: Effect, one: Target) -> bool:
    return not one.is_outbound and _may_be_chat(batch, effect, one)


def _edit(batch: Batch, effect: Effect, one: Target) -> bool:
    is_early = not effect.payload["estimated"] and effect.at < one.occurred_at - _SKEW
    return not is_early and _is_own_change(batch, effect, one)


def _is_own_change(batch: Batch, effect: Effect, one: Target) -> bool:
    """Only who wrote a message may change it."""
    if effect.payload["view"]:
        if one.is_group:
            # Any member can write such a key, also one that looks like ours; it does not tell
            # which one did. What we edit here or on the phone is told by its twin with the editor.
            return False
        # The key was written by the editing device: our side in the partner's chat means us.
        ours = effect.payload["from_me"] and _is_chat(batch, effect, one)
        return one.is_outbound == bool(ours)
    if not _may_be_chat(batch, effect, one) or one.is_outbound != effect.payload["from_me"]:
        return False
    return not one.is_group or _is_author(batch, effect, one)


def _is_author(batch: Batch, effect: Effect, one: Target) -> bool:
    author = effect.author_key()
    return one.is_outbound or not author or batch.contacts.get(author) == one.author


def _delete(batch: Batch, effect: Effect, one: Target) -> bool:
    if effect.payload["row"]:
        # Deleted by us through the API; only a group's admin can do that to others' messages.
        return one.is_outbound or one.is_group
    if one.is_group:
        # Admins delete what members wrote.
        return _may_be_chat(batch, effect, one)
    return _is_own_change(batch, effect, one)


def _reaction(batch: Batch, effect: Effect, one: Target) -> bool:
    return _may_be_chat(batch, effect, one)


def _poll(batch: Batch, effect: Effect, one: Target) -> bool:
    return one.type == "poll" and _may_be_chat(batch, effect, one)


_RULES = {
    "status": _status,
    "read": _read,
    "edit": _edit,
    "delete": _delete,
    "reaction": _reaction,
    "vote": _poll,
    "tally": _poll,
}
