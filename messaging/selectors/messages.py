"""Messages of a whole tenant by filter, newest first: the list that integrators read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from evosense.core.pagination import before_cursor, newest_first
from messaging.addresses import identity_hmac, split_jid
from messaging.models import Connection, Conversation, Message
from messaging.selectors.bubbles import Bubble, bubbles, shown
from messaging.selectors.search import (
    MOST_MESSAGES,
    clean,
    contacts_of_jid,
    conversations_of_jid,
    with_words,
)

PAGE = 50


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to list; a field left at its default does not narrow the list."""

    connection: UUID | None = None
    conversation: UUID | None = None
    chat: str = ""
    provider_id: str = ""
    direction: str = ""
    type: str = ""
    status: str = ""
    author: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    # What an analysis found out: a message without one is in no such list.
    emotion: str = ""
    tone: str = ""
    sentiment_min: float | None = None
    sentiment_max: float | None = None
    satisfaction_min: int | None = None
    satisfaction_max: int | None = None


@dataclass(frozen=True, slots=True)
class MessagePage:
    bubbles: list[Bubble]
    next: str | None


def message_page(
    filters: MessageFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
    show_numbers: bool,
) -> MessagePage:
    """Return messages, the one that happened last first."""
    rows = _filtered(filters)
    if filters.text.strip():
        rows = _with_words(rows, filters.text, cursor)
    found = newest_first(shown(rows), field="occurred_at", limit=limit, cursor=cursor)
    return MessagePage(bubbles(found.rows, show_numbers=show_numbers), found.next)


def _filtered(filters: MessageFilter) -> QuerySet[Message]:
    exact: dict[str, Any] = {
        "provider_id": clean(filters.provider_id),
        "direction": filters.direction,
        "type": filters.type,
        "status": filters.status,
        "is_failed": filters.status == Message.Status.FAILED,
        "occurred_at__gte": filters.since,
        "occurred_at__lt": filters.until,
        "emotion": clean(filters.emotion),
        "tone": clean(filters.tone),
    }
    # Unlike those, these may ask for zero.
    between = {
        "sentiment__gte": filters.sentiment_min,
        "sentiment__lte": filters.sentiment_max,
        "satisfaction__gte": filters.satisfaction_min,
        "satisfaction__lte": filters.satisfaction_max,
    }
    asked = {name: value for name, value in exact.items() if value}
    asked |= {name: value for name, value in between.items() if value is not None}
    rows = Message.objects.filter(**asked)
    return _of_parties(rows, filters)


def _with_words(rows: QuerySet[Message], text: str, cursor: str | None) -> QuerySet[Message]:
    """Look up more matches than a page has, by key.

    For a page alone the planner walks the messages by time and parses the text of each, which took
    seconds for a rare word.
    """
    matches = with_words(rows.filter(is_hidden=False), text)
    if cursor:
        matches = before_cursor(matches, field="occurred_at", cursor=cursor)
    newest = matches.order_by("-occurred_at", "-pk").values_list("pk", flat=True)
    return Message.objects.filter(pk__in=list(newest[:MOST_MESSAGES]))


def _of_parties(rows: QuerySet[Message], filters: MessageFilter) -> QuerySet[Message]:
    """Keys are looked up first: a join would hide from the planner how few rows they have."""
    if filters.connection:
        found = Connection.objects.filter(public_id=filters.connection)
        rows = rows.filter(connection_id__in=list(found.values_list("pk", flat=True)))
    if filters.conversation:
        held = Conversation.objects.filter(public_id=filters.conversation)
        rows = rows.filter(conversation_id__in=list(held.values_list("pk", flat=True)))
    if filters.chat:
        chats = conversations_of_jid(filters.chat)
        rows = rows.filter(conversation_id__in=list(chats.values_list("pk", flat=True)))
    return rows.filter(_written_by(filters.author)) if filters.author else rows


def _written_by(jid: str) -> Q:
    """Return a filter for one address: ours, a partner's or a group member's."""
    key = identity_hmac(*split_jid(clean(jid).strip()))
    own = Connection.objects.filter(Q(own_hmac=key) | Q(own_lid_hmac=key))
    lines = list(own.values_list("pk", flat=True))
    if lines:
        return Q(connection_id__in=lines, direction=Message.Direction.OUTBOUND)
    contacts = contacts_of_jid(jid)
    chats = Conversation.objects.filter(contact_id__in=contacts, kind=Conversation.Kind.PERSON)
    alone = list(chats.values_list("pk", flat=True))
    inbound = Q(conversation_id__in=alone, direction=Message.Direction.INBOUND)
    return Q(author_id__in=contacts) | inbound
