"""What follows from an acceptance beside the state: ids, addresses, and what waited for them."""

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
from messaging.models import Message, Outgoing
from messaging.sender.taken import Taken
from messaging.services.threads import REFRESH_SQL
from messaging.sql import Sql, columns

# A message that waited longer belongs where it left in the thread, not where it was written.
_LATE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class News:
    """Something of ours that was accepted."""

    connection_id: UUID
    line: int
    taken: Taken
    outcome: Outcome


def follow(sql: Sql, news: News, *, is_named: bool, has_parked: bool) -> None:
    """Carry out what an acceptance brings with it; usually nothing is left to do.

    `is_named`: the message took its real id; otherwise its echo was stored before.
    """
    taken, outcome = news.taken, news.outcome
    if taken.is_act:
        _do_here(news)
        return
    if outcome.remote_jid and outcome.remote_jid != taken.to:
        learn_address(sql, taken.conversation_id, outcome.remote_jid)
    if taken.message_id is None:
        return
    if not is_named:
        adopt_id(sql, taken.message_id, outcome.provider_id)
    if taken.age > _LATE.total_seconds():
        _move_in_time(sql, news)
    if has_parked or not is_named:
        carry_out(news.connection_id, [], [outcome.provider_id])


def correct(sql: Sql, news: News) -> None:
    """The attempt was settled by an echo; if that was somebody else's, give it its own row."""
    taken, outcome = news.taken, news.outcome
    row = Outgoing.objects.filter(pk=taken.id, attempt_token=taken.token).first()
    if row is None or row.state != Outgoing.State.SENT or taken.message_id is None:
        return
    message = Message.objects.get(pk=taken.message_id)
    if not outcome.provider_id or message.provider_id == outcome.provider_id:
        return
    other = message.provider_id
    adopt_id(sql, message.pk, outcome.provider_id)
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


def _move_in_time(sql: Sql, news: News) -> None:
    at = news.outcome.occurred_at or timezone.now()
    moved = sql.run(
        "UPDATE messaging_message SET occurred_at = %s WHERE id = %s AND occurred_at < %s",
        [at, news.taken.message_id, at],
    )
    if moved and news.taken.conversation_id:
        row = (news.taken.conversation_id, None, at, None, False, 0, None)
        sql.run(REFRESH_SQL, columns([row], 7))
