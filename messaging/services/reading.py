"""What people have read. The mark only moves forward, unless somebody asks for the opposite."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet

from evosense.core.schema import after_commit, current_tenant
from messaging.hints import send_hint
from messaging.models import Conversation, Message

_INSTANT = timedelta(microseconds=1)


def mark_read(conversation_pk: int, *, until: datetime) -> int:
    """Take inbound messages up to `until` as read; returns how many remain unread.

    Two readers and the worker may meet here: an older mark changes nothing.
    """
    with transaction.atomic():
        row = _locked(conversation_pk)
        if row.unread_count == 0 and row.read_until is not None and row.read_until >= until:
            return 0
        row.read_until = max(until, row.read_until or until)
        return _recount(row)


def mark_unread(conversation_pk: int) -> int:
    """Put the mark before the last inbound message; returns how many are unread then."""
    with transaction.atomic():
        row = _locked(conversation_pk)
        last = _inbound(row).aggregate(at=Max("occurred_at"))["at"]
        if last is None or row.unread_count:
            return row.unread_count
        row.read_until = last - _INSTANT
        return _recount(row)


def _locked(conversation_pk: int) -> Conversation:
    """Lock first: a count in the statement that waits for the row would use an old snapshot."""
    rows = Conversation.objects.select_for_update(no_key=True)
    return rows.only("unread_count", "read_until").get(pk=conversation_pk)


def _inbound(row: Conversation) -> QuerySet[Message]:
    return Message.objects.filter(
        conversation_id=row.pk,
        direction=Message.Direction.INBOUND,
        is_hidden=False,
        is_history=False,
    )


def _recount(row: Conversation) -> int:
    row.unread_count = _inbound(row).filter(occurred_at__gt=row.read_until).count()
    row.save(update_fields=["unread_count", "read_until"])
    tenant_id, payload = current_tenant().id, {"conversation_ids": [row.pk]}
    after_commit(lambda: send_hint(tenant_id, "messaging.messages_changed", payload))
    return row.unread_count
