"""Effects on messages, in a form that can wait in the database until their message comes.

A payload holds no address in clear, only its key; times are microseconds since the epoch.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from messaging.ingest.apply.context import Batch, key_of
from messaging.ingest.envelope.facts import (
    DeleteFact,
    EditFact,
    Editor,
    LabelAssociationFact,
    PollTallyFact,
    PollVoteFact,
    ReactionFact,
    ReadMarkerFact,
    StatusFact,
)
from messaging.ingest.envelope.jids import Address
from messaging.sql import array, columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
KEPT_FOR = timedelta(hours=48)
CHAT = "chat:"

_PARKED = """
SELECT id, provider_id, kind, payload::text FROM messaging_parkedeffect
WHERE connection_id = %s AND provider_id = ANY(%s::text[]) AND expires_at > %s
ORDER BY id
"""
_PARK = """
INSERT INTO messaging_parkedeffect AS p
    (connection_id, provider_id, kind, payload, digest, created_at, expires_at)
SELECT %s, provider_id, kind, payload::jsonb, digest, %s, %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[])
    AS t (provider_id, kind, payload, digest)
ORDER BY provider_id, digest
ON CONFLICT ON CONSTRAINT messaging_parked_unique DO UPDATE SET payload = excluded.payload
WHERE (excluded.payload->>'at')::bigint < (p.payload->>'at')::bigint
"""
_UNPARK = "DELETE FROM messaging_parkedeffect WHERE id = ANY(%s)"


@dataclass(slots=True)
class Effect:
    """`target` is a message id, or CHAT and the key of a chat. `parked` is the waiting row."""

    kind: str
    target: str
    payload: dict[str, Any]
    parked: int = 0

    @property
    def at(self) -> datetime:
        return instant(self.payload["at"])

    def chat_key(self) -> bytes:
        return bytes.fromhex(self.payload.get("chat", ""))

    def author_key(self) -> bytes:
        return bytes.fromhex(self.payload.get("author", ""))

    def address_keys(self) -> list[bytes]:
        """Every address key that must be known to carry out the effect."""
        return [key for key in (self.chat_key(), self.author_key()) if key]


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    return _EPOCH + timedelta(microseconds=number)


def _chat(address: Address) -> dict[str, Any]:
    if address.kind not in ("pn", "lid", "group"):
        return {}
    return {"chat": key_of(address.jid).hex(), "in": address.kind}


def _author(address: Address) -> dict[str, Any]:
    return {"author": key_of(address.jid).hex()} if address.kind in ("pn", "lid") else {}


def _status(fact: StatusFact) -> Effect:
    payload = {"status": fact.status, "at": micros(fact.at), **_chat(fact.chat)}
    return Effect("status", fact.provider_id, payload)


def _read(fact: ReadMarkerFact) -> Effect:
    return Effect("read", fact.provider_id, {"at": micros(fact.at), **_chat(fact.chat)})


def _by(editor: Editor) -> dict[str, Any]:
    return {
        **_chat(editor.chat),
        **_author(editor.author),
        "from_me": editor.from_me,
        "view": editor.is_perspective,
    }


def _edit(fact: EditFact) -> Effect:
    payload = {
        "text": fact.text,
        "at": micros(fact.at),
        "estimated": fact.at_estimated,
        **_by(fact.editor),
    }
    return Effect("edit", fact.target_id, payload)


def _delete(fact: DeleteFact) -> Effect:
    payload = {"at": micros(fact.at), "row": fact.by_row, **_by(fact.editor)}
    return Effect("delete", fact.target_id, payload)


def _reaction(fact: ReactionFact) -> Effect:
    author = fact.author if fact.chat.kind == "group" else fact.chat
    payload = {
        "emoji": fact.emoji,
        "at": micros(fact.at),
        "target_from_me": fact.target_from_me,
        "from_me": fact.from_me,
        **_chat(fact.chat),
        **({} if fact.from_me else _author(author)),
    }
    return Effect("reaction", fact.target_id, payload)


def _vote(fact: PollVoteFact) -> Effect:
    voter = fact.voter if fact.chat.kind == "group" else fact.chat
    payload = {
        "options": list(fact.options),
        "at": micros(fact.at),
        "from_me": fact.from_me,
        **_chat(fact.chat),
        **({} if fact.from_me else _author(voter)),
    }
    return Effect("vote", fact.poll_id, payload)


def _tally(fact: PollTallyFact) -> Effect:
    tally = [[name, [key_of(voter).hex() for voter in voters]] for name, voters in fact.tally]
    return Effect(
        "tally", fact.poll_id, {"tally": tally, "at": micros(fact.at), **_chat(fact.chat)}
    )


def _label(fact: LabelAssociationFact) -> Effect:
    payload = {"label": fact.label_id, "added": fact.is_added, "at": 0, **_chat(fact.chat)}
    return Effect("label", CHAT + key_of(fact.chat.jid).hex(), payload)


_READERS: dict[type, Callable[[Any], Effect]] = {
    StatusFact: _status,
    ReadMarkerFact: _read,
    EditFact: _edit,
    DeleteFact: _delete,
    ReactionFact: _reaction,
    PollVoteFact: _vote,
    PollTallyFact: _tally,
    LabelAssociationFact: _label,
}
EFFECT_FACTS = tuple(_READERS)


def effect_of(fact: Any) -> Effect:
    return _READERS[type(fact)](fact)


def waiting(batch: Batch, targets: list[str]) -> list[Effect]:
    """Load what is parked for these targets."""
    if not targets:
        return []
    rows = batch.sql.rows(_PARKED, [batch.line.pk, array(targets), batch.now])
    return [Effect(kind, target, orjson.loads(text), pk) for pk, target, kind, text in rows]


def park(batch: Batch, effects: list[Effect]) -> None:
    """Let effects wait; of the same one delivered several times the earliest waits."""
    rows: dict[tuple[str, bytes], tuple[str, str, str, bytes]] = {}
    times: dict[tuple[str, bytes], int] = {}
    for effect in effects:
        if effect.parked:
            continue
        text = orjson.dumps(effect.payload, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(b"%s|%s" % (effect.kind.encode(), _identity(effect, text))).digest()
        key = (effect.target, digest)
        if key not in rows or effect.payload["at"] < times[key]:
            rows[key] = (effect.target, effect.kind, text.decode(), digest)
            times[key] = effect.payload["at"]
    if rows:
        expires = batch.now + KEPT_FOR
        values = columns(rows.values(), 4)
        batch.sql.run(_PARK, [batch.line.pk, batch.now, expires, *values])


def _identity(effect: Effect, text: bytes) -> bytes:
    """Times that are only the time of receipt differ between deliveries of one event."""
    if effect.kind in ("status", "read", "delete") or effect.payload.get("estimated"):
        kept = {name: part for name, part in effect.payload.items() if name != "at"}
        return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    return text


def unpark(batch: Batch, effects: list[Effect]) -> None:
    ids = sorted(effect.parked for effect in effects if effect.parked)
    if ids:
        batch.sql.run(_UNPARK, [ids])
