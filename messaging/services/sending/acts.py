"""Acts on messages that exist, status posts and read marks: intents without a bubble of their own.

Repeating an act changes nothing at WhatsApp, so unlike messages they are simply tried again.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from messaging import echoes
from messaging.gateway import lanes
from messaging.models import Conversation, Message, MessageMedia, Outgoing
from messaging.selectors.conversations import conversation_model
from messaging.services.media import use_upload
from messaging.services.sending import fields
from messaging.services.sending.contents import LONGEST_TEXT
from messaging.services.sending.messages import must_be_known, send_message
from messaging.services.sending.people import known_keys
from messaging.services.sending.queueing import Intent, announce, fitting_upload, queue_act
from messaging.services.sending.recipients import connection_for
from messaging.services.sending.refusals import refusal_of, refuse
from messaging.services.sending.requests import PRIORITIES, SendRequest

# WhatsApp's own limits.
EDIT_WITHIN = timedelta(minutes=15)
DELETE_WITHIN = timedelta(hours=60)
_LONGEST_EMOJI = 40
# So many ids in one mark, and so many messages in all; what is older than these stays unmarked.
_MARKED_AT_ONCE = 30
_MOST_MARKED = 300
_EDITED = frozenset({"text", "image", "video", "document"})
_STATUS_TYPES = frozenset({"text", "image", "video", "audio"})


def react(message_id: UUID, emoji: str, *, source: str = "panel") -> Outgoing:
    """Put one emoji on a message; "" takes ours away."""
    given = emoji.strip()
    emoji = fields.text({"emoji": emoji}, "emoji", longest=_LONGEST_EMOJI, least=0)
    # Nothing takes ours away; something that shows nothing is a mistake.
    if given and emoji.isascii():
        raise Invalid("invalid", _("Choose an emoji."), field="emoji")
    return _act_on(_message(message_id), Outgoing.Kind.REACTION, {"emoji": emoji}, source)


def edit_message(message_id: UUID, text: str, *, source: str = "panel") -> Outgoing:
    """Replace the text or caption of a message of ours."""
    message = _message(message_id)
    text = fields.text({"text": text}, "text", longest=LONGEST_TEXT)
    _refuse_change(message, EDIT_WITHIN, _("A message can be edited for 15 minutes only."))
    if message.type not in _EDITED:
        raise Conflict("cannot_edit", _("This kind of message cannot be edited."))
    return _act_on(message, Outgoing.Kind.EDIT, {"text": text}, source)


def delete_message(message_id: UUID, *, source: str = "panel") -> Outgoing:
    """Take a message of ours back, for everybody."""
    message = _message(message_id)
    _refuse_change(message, DELETE_WITHIN, _("It is too late to delete this message for everyone."))
    return _act_on(message, Outgoing.Kind.DELETE, {}, source)


def forward_message(
    message_id: UUID,
    *,
    to: str = "",
    conversation: UUID | None = None,
    connection: UUID | None = None,
    source: str = "panel",
) -> Message:
    """Send a copy of a message elsewhere, marked as forwarded."""
    message = _message(message_id)
    kind, payload = _copy_of(message)
    request = SendRequest(
        kind=kind,
        payload={**payload, "forwarded": True},
        connection=connection or (None if conversation else message.connection.public_id),
        conversation=conversation,
        to=to,
        source=source,
    )
    return send_message(request)


def mark_read(conversation_id: UUID, *, source: str = "panel") -> Outgoing | None:
    """Tell the other side that we read what it wrote; None where there is nothing to tell.

    Of several marks the last is returned.

    A number that cannot send now tells nothing: reading must not fail because of it.
    """
    conversation = conversation_model(conversation_id)
    connection = conversation.connection
    if refusal_of(connection, Outgoing.Kind.READ):
        return None
    with transaction.atomic():
        found = _unread(conversation)
        if not found:
            return None
        for start in range(0, len(found), _MARKED_AT_ONCE):
            payload = {"provider_ids": found[start : start + _MARKED_AT_ONCE]}
            intent = Intent(Outgoing.Kind.READ, payload, source, PRIORITIES["api"])
            row = queue_act(connection, intent, conversation=conversation)
        lanes.wake(connection.public_id)
    return row


def post_status(
    payload: dict[str, Any], *, connection: UUID | None = None, source: str = "panel"
) -> Outgoing:
    """Queue a status post; it belongs to no conversation."""
    line = connection_for(connection)
    refuse(line, Outgoing.Kind.STATUS, may_wait=source != Message.Source.PANEL)
    clean = _status(payload)
    text = clean.get("text") or clean.get("caption", "")
    with transaction.atomic():
        if "media" in clean:
            _use_file(clean)
        intent = Intent(Outgoing.Kind.STATUS, clean, source, PRIORITIES.get(source, 5))
        row = queue_act(line, intent, content_hash=echoes.content_hash(clean["type"], text))
        announce([row], Outgoing.State.QUEUED)
        lanes.wake(line.public_id)
    return row


def _act_on(message: Message, kind: str, payload: dict[str, Any], source: str) -> Outgoing:
    must_be_known(message)
    connection = message.connection
    refuse(connection, kind, may_wait=source != Message.Source.PANEL)
    with transaction.atomic():
        _refuse_while_deleted(message)
        intent = Intent(kind, payload, source, PRIORITIES.get(source, 5))
        row = queue_act(connection, intent, conversation=message.conversation, target=message)
        announce([row], Outgoing.State.QUEUED)
        lanes.wake(connection.public_id)
    return row


def _refuse_while_deleted(message: Message) -> None:
    """Refuse any act on what is being deleted; of two who delete it at once, one waits here."""
    Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    deletions = Outgoing.objects.filter(target=message, kind=Outgoing.Kind.DELETE)
    over = [Outgoing.State.FAILED, Outgoing.State.DEAD, Outgoing.State.CANCELLED]
    if deletions.exclude(state__in=over).exists():
        raise Conflict("being_deleted", _("This message is being deleted already."))


def _message(public_id: UUID) -> Message:
    rows = Message.objects.select_related("connection", "conversation")
    found = rows.filter(public_id=public_id, is_hidden=False).first()
    if found is None:
        raise NotFound("message_not_found", _("This message does not exist."))
    return found


def _refuse_change(message: Message, within: timedelta, too_late: Any) -> None:
    if message.direction != Message.Direction.OUTBOUND:
        raise Conflict("not_ours", _("Only messages of your own can be changed."))
    if message.deleted_at is not None:
        raise Conflict("deleted", _("This message was deleted."))
    if message.status == Message.Status.FAILED:
        raise Conflict("not_sent", _("This message was not sent."))
    if timezone.now() - message.occurred_at > within:
        raise Conflict("too_late", too_late)


def _unread(conversation: Conversation) -> list[str]:
    """Return the ids of what was not reported as read yet, in the order of its arrival.

    Arrival counts, not the time of writing: some things of a second come later, and some are
    recovered after hours.
    """
    rows = Message.objects.filter(
        conversation=conversation, direction=Message.Direction.INBOUND, is_history=False
    )
    last = (
        Outgoing.objects.filter(conversation=conversation, kind=Outgoing.Kind.READ)
        .exclude(state__in=[Outgoing.State.FAILED, Outgoing.State.DEAD])
        .order_by("-pk")
        .first()
    )
    if last is not None:
        told = Message.objects.filter(
            conversation=conversation, provider_id__in=last.payload["provider_ids"]
        )
        rows = rows.filter(pk__gt=told.aggregate(last=Max("pk"))["last"] or 0)
    newest = rows.order_by("-pk").values_list("provider_id", flat=True)[:_MOST_MARKED]
    return list(newest)[::-1]


def _copy_of(message: Message) -> tuple[str, dict[str, Any]]:
    """Return kind and payload that say the same again; raises Conflict where that cannot be."""
    extra = message.extra or {}
    if message.deleted_at is None:
        media = MessageMedia.objects.filter(message=message).first()
        if media is not None:
            return _copy_of_file(message, media)
        if message.type == Message.Type.TEXT and message.text:
            return "text", {"text": message.text}
        if message.type == Message.Type.LOCATION and "latitude" in extra.get("location", {}):
            return "location", extra["location"]
        if message.type == Message.Type.CONTACT and extra.get("contacts"):
            return "contact", {"contacts": [_card(card) for card in extra["contacts"]]}
    raise Conflict("cannot_forward", _("This message cannot be forwarded."))


def _copy_of_file(message: Message, media: MessageMedia) -> tuple[str, dict[str, Any]]:
    if media.status != MessageMedia.Status.STORED:
        raise Conflict("file_not_stored", _("The file of this message is not stored here."))
    kind = {"ptv": "video_note", "voice": "voice"}.get(message.subtype, message.type)
    file = {"key": media.storage_key, "name": media.name, "mime": media.mime, "size": media.size}
    return kind, {"media": file, "caption": message.text}


def _card(card: dict[str, Any]) -> dict[str, str]:
    phones = card.get("phones") or [{}]
    name = " ".join((card.get("name") or "?").split())
    return {"name": name, "phone": phones[0].get("number", "")}


def _use_file(post: dict[str, Any]) -> None:
    """Keep the file of a status post: no message names it, only its upload."""
    upload = fitting_upload(post["media"]["key"], post["type"])
    if upload is None:
        raise Invalid("file_not_found", _("This file does not exist any more."), field="media")
    use_upload(upload)


def _status(payload: dict[str, Any]) -> dict[str, Any]:
    kind = payload.get("type")
    if kind not in _STATUS_TYPES:
        raise fields.wrong("type")
    clean: dict[str, Any] = {"type": kind}
    if kind == "text":
        clean["text"] = fields.text(payload, "text", longest=700)
        clean["background"] = fields.text(payload, "background", longest=9, least=0) or "#075E54"
        clean["font"] = fields.number({"font": payload.get("font", 1)}, "font", least=1, most=5)
    else:
        clean["media"] = fields.media(payload)
        clean["caption"] = fields.text(payload, "caption", longest=700, least=0)
    audience = payload.get("audience", "all")
    clean["audience"] = "all" if audience == "all" else known_keys(audience, "audience")
    return clean
