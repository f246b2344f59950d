"""Rows of one thing to send: the message as its echo would make it, and the intent to send it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core import outbox
from evosense.core.actor import current_actor
from evosense.core.errors import Invalid
from evosense.core.ids import uuid7
from messaging import echoes
from messaging.events import MessagesStored, OutgoingChanged
from messaging.gateway import lanes
from messaging.models import Connection, Conversation, Message, MessageMedia, Outgoing, Upload
from messaging.services.media import attach
from messaging.services.sending.contents import Shown
from messaging.services.threads import REFRESH_SQL
from messaging.sql import Sql, columns

# What a kind of message may carry, by what the bytes are (`Upload.kind`); a document anything.
_FITS = {
    "image": {"image"},
    "video": {"video"},
    "video_note": {"video"},
    "audio": {"audio"},
    "voice": {"audio"},
    "sticker": {"sticker", "image"},
}


@dataclass(frozen=True, slots=True)
class Intent:
    """How and on whose behalf something is sent."""

    kind: str
    payload: dict[str, Any]
    source: str
    priority: int
    expires_at: datetime | None = None


def queue_message(
    connection: Connection,
    conversation: Conversation,
    intent: Intent,
    shown: Shown,
    preset: str,
    **more: Any,
) -> Message:
    """Store a message and its intent, bring the conversation up to date, wake the lane.

    `preset` is the id that we choose, "" where the server does.
    """
    public_id = uuid7()
    message = _message(conversation, intent, shown, public_id, preset, more)
    _give_file(intent, shown, message)
    outgoing = queue_act(
        connection,
        intent,
        conversation=conversation,
        message=message,
        public_id=public_id,
        preset_id=preset,
        content_hash=echoes.content_hash(shown.type, shown.text),
    )
    about = (connection.pk, [message.pk], [conversation.pk])
    # Preview and times by the statement that apply uses; the lane last, as everywhere.
    row = (conversation.pk, None, message.occurred_at, None, False, 0, None)
    Sql().together(
        (REFRESH_SQL, columns([row], 7)),
        outbox.recording(MessagesStored(*about), _changed([outgoing], Outgoing.State.QUEUED)),
        (outbox.WAKE, ()),
        lanes.waking(connection.public_id),
        (lanes.NOTIFY, ()),
    )
    return message


def queue_act(connection: Connection, intent: Intent, **more: Any) -> Outgoing:
    """Store the intent alone; the caller wakes the lane last."""
    actor = current_actor()
    is_person = actor.kind in ("user", "support")
    return Outgoing.objects.create(
        connection=connection,
        kind=intent.kind,
        payload=intent.payload,
        source=intent.source,
        priority=intent.priority,
        expires_at=intent.expires_at,
        actor_user_id=_number(actor.id) if is_person else None,
        api_key_id=_number(actor.id) if actor.kind == "key" else None,
        **more,
    )


def announce(rows: list[Outgoing], state: str) -> None:
    """Tell the house that these rows, of one connection, reached a state."""
    outbox.emit(_changed(rows, state))


def _changed(rows: list[Outgoing], state: str) -> OutgoingChanged:
    ids = [row.pk for row in rows]
    conversations = sorted({row.conversation_id for row in rows if row.conversation_id})
    return OutgoingChanged(rows[0].connection_id, ids, conversations, state)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _message(
    conversation: Conversation,
    intent: Intent,
    shown: Shown,
    public_id: UUID,
    preset: str,
    more: dict[str, Any],
) -> Message:
    now = timezone.now()
    return Message.objects.create(
        public_id=public_id,
        connection_id=conversation.connection_id,
        conversation=conversation,
        provider_id=preset or echoes.placeholder(public_id),
        direction=Message.Direction.OUTBOUND,
        source=intent.source,
        type=shown.type,
        subtype=shown.subtype,
        text=shown.text,
        status=Message.Status.PENDING,
        status_at=now,
        occurred_at=now,
        received_at=now,
        is_forwarded=bool(intent.payload.get("forwarded")),
        **{"extra": shown.extra or None, **more},
    )


def _give_file(intent: Intent, shown: Shown, message: Message) -> None:
    """Attach the upload, or the stored file of the message that is forwarded."""
    if not shown.storage_key:
        return
    upload = fitting_upload(shown.storage_key, intent.kind)
    if upload is None:
        _share_file(shown.storage_key, message)
        return
    attach(upload, message, name=str(intent.payload["media"].get("name") or ""))


def fitting_upload(storage_key: str, kind: str) -> Upload | None:
    """Return the upload with that key, None for none; raises Invalid when `kind` takes another."""
    upload = Upload.objects.filter(storage_key=storage_key).first()
    if upload is not None and upload.kind not in _FITS.get(kind, {upload.kind}):
        raise Invalid(
            "wrong_type", _("This file does not fit this kind of message."), field="media"
        )
    return upload


def _share_file(storage_key: str, message: Message) -> None:
    rows = MessageMedia.objects.filter(
        storage_key=storage_key, status=MessageMedia.Status.STORED, message__isnull=False
    )
    media = rows.order_by("-pk").first()
    if media is None:
        raise Invalid("file_not_found", _("This file does not exist any more."), field="media")
    media.pk, media.message = None, message
    media.raw_event_id = media.raw_received_at = None
    media.save(force_insert=True)
