"""The messages of one conversation: a page towards the past, towards now, or around one message."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.pagination import after_cursor, encode_cursor, newest_first
from messaging.models import Message, MessageVersion
from messaging.selectors.bubbles import Bubble, bubbles, shown

PAGE = 50


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Bubbles, oldest first. `older` and `newer` are cursors, None where the thread ends."""

    bubbles: list[Bubble]
    older: str | None
    newer: str | None


def thread_page(
    conversation_pk: int,
    *,
    before: str | None = None,
    after: str | None = None,
    around: UUID | None = None,
    limit: int = PAGE,
    show_numbers: bool,
) -> ThreadPage:
    """Return the newest page, or the one before or after a cursor, or the one around a message."""
    rows = shown(Message.objects.filter(conversation_id=conversation_pk))
    if around is not None:
        messages, older, newer = _around(rows, around, limit)
    elif after:
        messages, newer = _later(rows, after, limit)
        older = _cursor(messages[0]) if messages else None
    else:
        page = newest_first(rows, field="occurred_at", limit=limit, cursor=before)
        messages, older = list(reversed(page.rows)), page.next
        newer = _cursor(messages[-1]) if before and messages else None
    return ThreadPage(bubbles(messages, show_numbers=show_numbers), older, newer)


def message_bubble(public_id: UUID, *, show_numbers: bool) -> Bubble:
    """Return one message with everything that hangs on it; raises NotFound."""
    found = shown(Message.objects.filter(public_id=public_id)).first()
    if found is None:
        raise NotFound("message_not_found", _("This message does not exist."))
    return bubbles([found], show_numbers=show_numbers)[0]


def message_versions(message: Message) -> list[MessageVersion]:
    """Return the texts that a message had before its edits, oldest first."""
    return list(MessageVersion.objects.filter(message=message).order_by("written_at", "pk"))


def latest_cursor(conversation_pk: int) -> str | None:
    """Return the cursor after which only messages that come later appear."""
    rows = Message.objects.filter(conversation_id=conversation_pk, is_hidden=False)
    last = rows.order_by("-occurred_at", "-pk").only("occurred_at").first()
    return _cursor(last) if last else None


def _around(
    rows: QuerySet[Message], public_id: UUID, limit: int
) -> tuple[list[Message], str | None, str | None]:
    target = rows.filter(public_id=public_id).first()
    if target is None:
        raise NotFound("message_not_found", _("This message does not exist."))
    half = max(1, limit // 2)
    past = newest_first(rows, field="occurred_at", limit=half, cursor=_cursor(target))
    later, newer = _later(rows, _cursor(target), half)
    return [*reversed(past.rows), target, *later], past.next, newer


def _later(rows: QuerySet[Message], cursor: str, limit: int) -> tuple[list[Message], str | None]:
    newer = after_cursor(rows, field="occurred_at", cursor=cursor)
    found = list(newer.order_by("occurred_at", "pk")[: limit + 1])
    page = found[:limit]
    return page, _cursor(page[-1]) if len(found) > limit else None


def _cursor(message: Message) -> str:
    return encode_cursor(message.occurred_at, message.pk)
