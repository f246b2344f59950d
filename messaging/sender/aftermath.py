"""What follows from an acceptance beside the state: ids, addresses, and what waited for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from evosense.core.ids import uuid7
from messaging.gateway.client.outcome import Outcome
from messaging.ingest.apply.effects import Effect, micros
from messaging.ingest.apply.late import carry_out
from messaging.ingest.apply.own import adopt_id, learn_address
from messaging.models import Message
from messaging.sender.taken import Taken
from messaging.services.threads import REFRESH_SQL
from messaging.sql import Sql, columns

# A message that waited longer belongs where it left in the thread, not where it was written.
_LATE = timedelta(seconds=60)
_MOVE = """
UPDATE messaging_message m SET occurred_at = t.at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS t (id, at)
WHERE m.id = t.id AND m.occurred_at < t.at RETURNING m.conversation_id, m.occurred_at
"""


@dataclass(frozen=True, slots=True)
class News:
    """Something of ours that was accepted."""

    connection_id: UUID
    line: int
    taken: Taken
    outcome: Outcome

    @property
    def is_late(self) -> bool:
        """Tell whether it is a message that waited for long."""
        is_message = self.taken.message_id is not None and not self.taken.is_act
        return is_message and self.taken.age > _LATE.total_seconds()


@dataclass(frozen=True, slots=True)
class Settled:
    """What `statements.SETTLE` tells of one attempt.

    `is_named`: the message took its real id; otherwise its echo was stored before.
    """

    is_changed: bool
    is_named: bool
    has_parked: bool
    # The message that an echo named before, and how, where that settled the attempt.
    message_id: int | None
    provider_id: str | None


def follow(sql: Sql, settled: Sequence[tuple[News, Settled]]) -> None:
    """Carry out what acceptances bring with them; usually nothing is left to do."""
    for news, found in settled:
        if found.is_changed:
            _follow(sql, news, found)
        else:
            _correct(sql, news, found)
    _move_in_time(sql, [news for news, found in settled if found.is_changed and news.is_late])


def _follow(sql: Sql, news: News, found: Settled) -> None:
    taken, outcome = news.taken, news.outcome
    if taken.is_act:
        _do_here(news)
        return
    if outcome.remote_jid and outcome.remote_jid != taken.to:
        learn_address(sql, taken.conversation_id, outcome.remote_jid)
    if taken.message_id is None:
        return
    if not found.is_named:
        adopt_id(sql, taken.message_id, outcome.provider_id)
    if found.has_parked or not found.is_named:
        carry_out(news.connection_id, [], [outcome.provider_id])


def _correct(sql: Sql, news: News, found: Settled) -> None:
    """The attempt was settled by an echo; if that was somebody else's, give it its own row."""
    real, other = news.outcome.provider_id, found.provider_id
    if not real or found.message_id is None or other is None or other == real:
        return
    message = Message.objects.get(pk=found.message_id)
    adopt_id(sql, message.pk, real)
    message.pk, message.public_id, message.provider_id = None, uuid7(), other
    message.source = Message.Source.API
    message.save(force_insert=True)


def _do_here(news: News) -> None:
    """Do to our copy what was done to the message; the event that follows changes nothing more."""
    taken = news.taken
    shared = {"at": micros(timezone.now()), "from_me": True}
    acts: dict[str, dict[str, Any]] = {
        "edit": {"text": taken.payload.get("text"), "estimated": True, "view": False},
        "delete": {"row": True, "view": False, "estimated": True},
        "reaction": {
            "emoji": taken.payload.get("emoji", ""),
            "target_from_me": taken.target_is_ours,
            "chat": taken.to_hmac.hex(),
        },
    }
    details = acts.get(taken.kind)
    if details is not None and taken.target_id:
        effect = Effect(taken.kind, taken.target_id, {**shared, **details})
        carry_out(news.connection_id, [effect], [])


def _move_in_time(sql: Sql, late: Sequence[News]) -> None:
    if not late:
        return
    now = timezone.now()
    rows = [(news.taken.message_id, news.outcome.occurred_at or now) for news in late]
    moved = sql.rows(_MOVE, columns(rows, 2))
    if moved:
        chats = [(pk, None, at, None, False, 0, None) for pk, at in moved]
        sql.run(REFRESH_SQL, columns(chats, 7))
