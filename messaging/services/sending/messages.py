"""Send something new. The same service serves pages, the API and, later, automated sending."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from messaging import echoes
from messaging.models import Conversation, Message, Outgoing
from messaging.services.sending.contents import Content, read_content
from messaging.services.sending.people import mention_keys
from messaging.services.sending.queueing import Intent, queue_message
from messaging.services.sending.recipients import lock_conversation, recipient_of
from messaging.services.sending.refusals import refuse
from messaging.services.sending.requests import SendRequest


def send_message(request: SendRequest) -> Message:
    """Queue a message and return its row (`pending`), which the thread shows at once.

    Raises Invalid, NotFound or Conflict with the reason in words. Programs may queue for a number
    that is away for a while; a person at the composer is told instead.
    """
    content = read_content(request.kind, request.payload)
    if request.expires_at is not None and request.expires_at <= timezone.now():
        raise Invalid("in_the_past", _("This time is over already."), field="expires_at")
    with transaction.atomic():
        connection, conversation = recipient_of(request)
        may_wait = request.source != Message.Source.PANEL
        able = refuse(connection, request.kind, may_wait=may_wait)
        lock_conversation(conversation)
        more, payload = _quoted(conversation, request.reply_to)
        _refuse_everyone(content, conversation)
        payload |= mention_keys(request.payload)
        if payload.get("mentions"):
            more["extra"] = {**content.shown.extra, "mentions": payload["mentions"]}
        intent = _intent(request, content, payload)
        preset = echoes.new_message_id() if able and able.honours_message_id else ""
        return queue_message(connection, conversation, intent, content.shown, preset, **more)


def _refuse_everyone(content: Content, conversation: Conversation) -> None:
    is_group = conversation.kind == Conversation.Kind.GROUP
    if content.payload.get("mention_everyone") and not is_group:
        message = _("Everyone can be mentioned in a group only.")
        raise Invalid("not_a_group", message, field="mention_everyone")


def _intent(request: SendRequest, content: Content, payload: dict[str, Any]) -> Intent:
    return Intent(
        kind=request.kind,
        payload={**content.payload, **payload},
        source=request.source,
        priority=request.rank,
        expires_at=request.expires_at,
    )


def _quoted(
    conversation: Conversation, reply_to: UUID | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the row and what the payload hold of the quoted message."""
    if reply_to is None:
        return {}, {}
    rows = Message.objects.filter(public_id=reply_to, conversation=conversation)
    quoted = rows.first()
    if quoted is None:
        raise NotFound(
            "message_not_found", _("The quoted message does not exist."), field="reply_to"
        )
    must_be_known(quoted)
    text = quoted.text[:1000]
    row = {
        "reply_to_provider_id": quoted.provider_id,
        "quote": {"author_key": _author_key(quoted), "type": quoted.type, "text": text},
    }
    is_ours = quoted.direction == Message.Direction.OUTBOUND
    quote = {"provider_id": quoted.provider_id, "from_me": is_ours, "text": text}
    return row, {"quote": quote}


def must_be_known(message: Message) -> None:
    """Refuse acts on a message that WhatsApp does not know, or not yet.

    The id alone does not tell: where we choose it, it is there before anything has left.
    """
    if message.status == Message.Status.FAILED:
        raise Conflict("not_sent", _("This message was not sent."))
    if echoes.is_placeholder(message.provider_id) or _is_leaving(message):
        raise Conflict("not_sent_yet", _("Wait until this message has been sent."))


def _is_leaving(message: Message) -> bool:
    if message.status != Message.Status.PENDING:
        return False
    ours = Outgoing.objects.filter(message=message)
    return ours.exclude(state=Outgoing.State.SENT).exists()


def _author_key(message: Message) -> str:
    if message.direction == Message.Direction.OUTBOUND:
        own = message.connection.own_hmac
        return bytes(own).hex() if own else ""
    return bytes(message.sender).hex() if message.sender else ""
