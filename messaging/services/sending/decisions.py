"""What people decide about something that waits, failed, or whose outcome nobody knows."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, NotFound
from messaging import echoes
from messaging.gateway import lanes
from messaging.ingest.apply import lock_key
from messaging.models import Conversation, Message, Outgoing
from messaging.services.sending.queueing import announce
from messaging.services.sending.refusals import refuse
from messaging.services.sending.replaying import AFRESH, OVER, REACHED
from messaging.sql import Sql
from tenancy.services import audit

_State = Outgoing.State


def retry(message_id: UUID) -> Outgoing:
    """Queue again what failed or was given up. A person decides: nothing else repeats those.

    Raises Conflict where nothing would send it.
    """
    with transaction.atomic():
        row = _locked(message_id)
        if row.state not in OVER:
            raise Conflict("not_failed", _("Only what failed can be sent again."))
        refuse(row.connection, row.kind, may_wait=True)
        _requeue(row)
        announce([row], row.state)
        lanes.wake(row.connection.public_id)
    return row


def cancel(message_id: UUID) -> Outgoing:
    """Take back what has not begun to leave."""
    with transaction.atomic():
        row = _locked(message_id)
        if row.state != _State.QUEUED:
            raise Conflict("too_late", _("This can no longer be cancelled."))
        row.state, row.finished_at = _State.CANCELLED, timezone.now()
        row.failure = {"code": "cancelled", "detail": "", "can_retry": False}
        row.save(update_fields=["state", "finished_at", "failure"])
        _show(row, Message.Status.FAILED)
        announce([row], row.state)
        # What waited behind it in its conversation may go.
        lanes.wake(row.connection.public_id)
    return row


def resolve(message_id: UUID, *, was_sent: bool) -> Outgoing:
    """Say what became of a message whose outcome is unknown, for example after a look at the phone.

    One that was not sent then counts as failed, and may be sent again.
    """
    with transaction.atomic():
        row = _locked(message_id)
        if row.state not in (_State.UNKNOWN, _State.DEAD):
            raise Conflict("not_unknown", _("The outcome of this message is known."))
        before = row.state
        row.state = _State.SENT if was_sent else _State.FAILED
        row.finished_at, row.holds_until = timezone.now(), None
        row.sent_at = row.finished_at if was_sent else None
        row.failure = (
            None if was_sent else {"code": "said_not_sent", "detail": "", "can_retry": True}
        )
        row.save(update_fields=["state", "finished_at", "holds_until", "sent_at", "failure"])
        _show(row, Message.Status.SENT if was_sent else Message.Status.FAILED)
        audit.record(
            "message.resolved",
            object_type="message",
            object_id=row.public_id,
            changes={"state": [before, row.state]},
        )
        announce([row], row.state)
        lanes.wake(row.connection.public_id)
    return row


def _locked(message_id: UUID) -> Outgoing:
    """Lock in the order of everybody else: the line, the intent, the message, its conversation."""
    row = Outgoing.objects.select_related("connection").filter(public_id=message_id).first()
    if row is None:
        raise NotFound("message_not_found", _("This message was not sent from here."))
    Sql().rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(row.connection.public_id)])
    rows = Outgoing.objects.select_for_update(of=("self",)).select_related("connection", "message")
    return rows.get(pk=row.pk)


def _requeue(row: Outgoing) -> None:
    if row.message is not None and row.message.status in REACHED:
        raise Conflict("already_sent", _("This message did arrive."))
    was_refused = (row.failure or {}).get("code") == "server_nack"
    for name, value in AFRESH.items():
        setattr(row, name, value)
    row.next_at, row.expires_at = timezone.now(), None
    if was_refused and row.preset_id:
        # WhatsApp knows the old id; where nobody knows, the same id is what keeps it from doubling.
        row.preset_id = echoes.new_message_id()
    row.save()
    if row.message is not None:
        if was_refused:
            fresh = row.preset_id or echoes.placeholder(row.public_id)
            Message.objects.filter(pk=row.message.pk).update(provider_id=fresh)
        _show(row, Message.Status.PENDING)


def _show(row: Outgoing, status: str) -> None:
    """Bring the bubble and the preview to what was decided; a receipt that came first stays."""
    if row.message_id is None or row.conversation_id is None:
        return
    known = Message.objects.filter(pk=row.message_id).exclude(status__in=REACHED)
    known.update(status=status, status_at=timezone.now(), failure=row.failure)
    Conversation.objects.filter(pk=row.conversation_id, last_message_id=row.message_id).update(
        preview_status=status
    )
