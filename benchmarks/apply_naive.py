"""The same work as a plain Django consumer does it: one event, one transaction, the ORM."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from evosense.core.outbox import emit
from evosense.core.schema import public_scope
from messaging.addresses import identity_hmac, number_hmac, search_form, split_jid, tail_hmac
from messaging.events import MessagesStored
from messaging.ingest.envelope import parse
from messaging.ingest.envelope.facts import MessageFact
from messaging.ingest.models import WebhookEvent
from messaging.models import Contact, Conversation, Identity, Message


def consume(line: Any) -> int:
    with public_scope():
        waiting = WebhookEvent.objects.filter(connection_id=line.public_id, status=0)
        ids = list(waiting.order_by("id").values_list("pk", flat=True))
    for pk in ids:
        with transaction.atomic():
            event = WebhookEvent.objects.select_for_update().get(pk=pk)
            for fact in parse(bytes(event.body), event.received_at).facts:
                if isinstance(fact, MessageFact):
                    _store(line, fact, event)
            WebhookEvent.objects.filter(pk=pk, received_at=event.received_at).update(
                status=WebhookEvent.Status.DONE, processed_at=timezone.now()
            )
    return len(ids)


def _store(line: Any, fact: MessageFact, event: WebhookEvent) -> None:
    contact = _contact(fact)
    chat, _ = Conversation.objects.get_or_create(
        connection=line,
        contact=contact,
        is_live=True,
        defaults={"last_message_at": fact.occurred_at},
    )
    message, is_new = Message.objects.get_or_create(
        conversation=chat,
        provider_id=fact.provider_id,
        direction="outbound" if fact.from_me else "inbound",
        author=None,
        defaults={
            "connection": line,
            "source": fact.source,
            "type": fact.content.type,
            "text": fact.content.text,
            "status": fact.status,
            "sender": identity_hmac(*split_jid(fact.chat.jid)),
            "occurred_at": fact.occurred_at,
            "received_at": event.received_at,
        },
    )
    if not is_new:
        return
    chat.last_message_at = max(chat.last_message_at, fact.occurred_at)
    chat.last_inbound_at = fact.occurred_at
    chat.last_message_id = message.pk
    chat.preview, chat.preview_type = fact.content.text[:200], fact.content.type
    chat.unread_count += 1
    chat.save()
    emit(MessagesStored(line.pk, [message.pk], [chat.pk]))


def _contact(fact: MessageFact) -> Contact:
    kind, address = split_jid(fact.chat.jid)
    known = Identity.objects.filter(hmac=identity_hmac(kind, address)).first()
    contact = known.contact if known else Contact.objects.create()
    if known is None:
        _identity(contact, kind, address)
    if (
        fact.chat.lid
        and not Identity.objects.filter(hmac=identity_hmac(*split_jid(fact.chat.lid))).exists()
    ):
        _identity(contact, *split_jid(fact.chat.lid))
    if fact.push_name and contact.push_name != fact.push_name:
        contact.push_name = contact.name = fact.push_name
        contact.search_name = search_form(fact.push_name)
        contact.save()
    return contact


def _identity(contact: Contact, kind: str, address: str) -> None:
    keys: dict[str, bytes] = {"hmac": identity_hmac(kind, address)}
    if kind == "pn":
        keys |= {"br_hmac": number_hmac(address), "tail_hmac": tail_hmac(address)}
    Identity.objects.create(contact=contact, kind=kind, address=address, **keys)
