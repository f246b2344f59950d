"""What messages say, for whoever judges or finds them: the words, and what was said before.

A caption and a transcript are words like a text. Hidden containers, deleted messages and content
that is not known yet have none.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.schema import current_tenant, database_cursor
from messaging.models import Conversation, Message
from messaging.selectors.conversations import conversation_model
from tenancy.selectors.members import member_names

_WORDS = "CONCAT_WS(E'\\n', NULLIF(m.text, ''), NULLIF(f.transcript, ''))"
_READABLE = "NOT m.is_hidden AND NOT m.is_placeholder AND m.deleted_at IS NULL"
_FROM = "messaging_message m LEFT JOIN messaging_messagemedia f ON f.message_id = m.id"


@dataclass(frozen=True, slots=True)
class Wording:
    """One message as its words; `kind` is that of the conversation: person, group, broadcast."""

    message_id: int
    public_id: UUID
    conversation_id: int
    connection_id: int
    kind: str
    is_inbound: bool
    is_history: bool
    occurred_at: datetime
    is_edited: bool
    judged_by: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something said in a conversation before a message, or in the whole of it."""

    message_id: int
    is_inbound: bool
    occurred_at: datetime
    text: str


def wordings_of(message_ids: Collection[int]) -> list[Wording]:
    """Return those of these messages that have words, the newest first."""
    statement = f"""
        SELECT m.id, m.public_id, m.conversation_id, m.connection_id, c.kind,
               m.direction = 'inbound', m.is_history, m.occurred_at, m.edited_at IS NOT NULL,
               m.judged_by, {_WORDS}
        FROM {_FROM} JOIN messaging_conversation c ON c.id = m.conversation_id
        WHERE m.id = ANY(%s) AND {_READABLE} AND {_WORDS} <> ''
        ORDER BY m.occurred_at DESC, m.id DESC"""  # noqa: S608  (only our constants)
    with database_cursor() as cursor:
        cursor.execute(statement, [list(message_ids)])
        return [Wording(*row) for row in cursor.fetchall()]


def said_before(message_ids: Collection[int], *, at_most: int, hours: int) -> dict[int, list[Said]]:
    """Return what came before each message in its conversation, oldest first."""
    statement = f"""
        SELECT t.id, p.id, p.direction = 'inbound', p.occurred_at, p.words
        FROM messaging_message t CROSS JOIN LATERAL (
            SELECT m.id, m.direction, m.occurred_at, {_WORDS} AS words FROM {_FROM}
            WHERE m.conversation_id = t.conversation_id AND {_READABLE} AND {_WORDS} <> ''
              AND (m.occurred_at, m.id) < (t.occurred_at, t.id)
              AND m.occurred_at >= t.occurred_at - make_interval(hours => %s)
            ORDER BY m.occurred_at DESC, m.id DESC LIMIT %s
        ) p WHERE t.id = ANY(%s) ORDER BY t.id, p.occurred_at, p.id"""  # noqa: S608
    found: dict[int, list[Said]] = {pk: [] for pk in message_ids}
    with database_cursor() as cursor:
        cursor.execute(statement, [hours, at_most, list(message_ids)])
        for target, *said in cursor.fetchall():
            found[target].append(Said(*said))
    return found


_OF_CONVERSATION = f"""FROM {_FROM}
    WHERE m.conversation_id = %s AND {_READABLE} AND {_WORDS} <> ''"""
_HOW_MANY = f"SELECT COUNT(*) {_OF_CONVERSATION}"
_PAGE = f"""SELECT m.id, m.direction = 'inbound', m.occurred_at, {_WORDS} {_OF_CONVERSATION}
    ORDER BY m.occurred_at"""
_FIRST = f"{_PAGE}, m.id LIMIT %s"
_LAST = f"{_PAGE} DESC, m.id DESC LIMIT %s"


def ends_of(conversation_pk: int, *, first: int, last: int) -> tuple[list[Said], list[Said], int]:
    """Return the first and the last messages with words, oldest first, and how many there are.

    A message is in one of the two lists only.
    """
    with database_cursor() as cursor:
        cursor.execute(_HOW_MANY, [conversation_pk])
        total = cursor.fetchone()[0]
        cursor.execute(_LAST, [conversation_pk, last])
        end = [Said(*row) for row in reversed(cursor.fetchall())]
        cursor.execute(_FIRST, [conversation_pk, first])
        known = {said.message_id for said in end}
        start = [Said(*row) for row in cursor.fetchall() if row[0] not in known]
    return start, end, total


def names_in(conversation_pks: Iterable[int]) -> dict[int, list[str]]:
    """Return the names in each conversation: first those of its contact, then the attendants'."""
    rows = Conversation.objects.filter(pk__in=set(conversation_pks)).values_list(
        "pk", "contact__name", "contact__push_name"
    )
    staff = member_names(current_tenant().id)
    return {
        pk: list(dict.fromkeys([*sorted({name for name in names if name}), *staff]))
        for pk, *names in rows
    }


def message_pk(public_id: UUID) -> int:
    """Return the key of a message that people can see; raises NotFound."""
    rows = Message.objects.filter(public_id=public_id, is_hidden=False)
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("message_not_found", _("This message does not exist."))
    return found


def message_pks(public_ids: Collection[UUID]) -> list[int]:
    """Return the keys of messages that people can see, in one query; raises NotFound for any."""
    rows = Message.objects.filter(public_id__in=public_ids, is_hidden=False)
    found = dict(rows.values_list("public_id", "pk"))
    missing = next((one for one in public_ids if one not in found), None)
    if missing is not None:
        message = _("The message %(id)s does not exist.") % {"id": missing}
        raise NotFound("message_not_found", message)
    return [found[one] for one in public_ids]


def public_ids_of(message_ids: Collection[int]) -> dict[int, UUID]:
    """Return the public ids of messages."""
    return dict(Message.objects.filter(pk__in=message_ids).values_list("pk", "public_id"))


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with a person, as far as its last message with words."""

    conversation_id: int
    last_message_id: int
    is_closed: bool
    ended_at: datetime


def talks_since(since: datetime, *, limit: int) -> list[Talk]:
    """Return conversations with persons in which something happened since, the latest first."""
    rows = Conversation.objects.filter(
        is_live=True,
        merged_into=None,
        kind=Conversation.Kind.PERSON,
        last_message_at__gte=since,
        last_message_id__isnull=False,
    ).order_by("-last_message_at", "-pk")
    columns = ("pk", "last_message_id", "status", "last_message_at")
    return [
        Talk(pk, last or 0, status == Conversation.Status.CLOSED, at)
        for pk, last, status, at in rows.values_list(*columns)[:limit]
    ]


def counts_after(places: dict[int, int]) -> dict[int, int]:
    """Return how many messages with words each conversation has beyond a message's id."""
    statement = f"""
        SELECT m.conversation_id, COUNT(*) FROM {_FROM}
        JOIN unnest(%s::bigint[], %s::bigint[]) AS t(conversation_id, after)
          ON t.conversation_id = m.conversation_id AND m.id > t.after
        WHERE {_READABLE} AND {_WORDS} <> '' GROUP BY m.conversation_id"""  # noqa: S608
    with database_cursor() as cursor:
        cursor.execute(statement, [list(places), list(places.values())])
        return dict(cursor.fetchall())


def conversation_pk(public_id: UUID) -> int:
    """Return the key of a conversation, of the remaining one where it was merged; NotFound."""
    return conversation_model(public_id).pk
