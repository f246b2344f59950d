"""Plain functions that store connections, people, conversations and messages for tests."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from evosense.core.pagination import encode_cursor
from evosense.core.schema import current_tenant
from messaging.addresses import identity_hmac, number_hmac, search_form, tail_hmac
from messaging.ingest.models import WebhookEvent
from messaging.models import Connection, Contact, Conversation, Identity, Message
from messaging.services.connections import NewConnection, create_connection

_numbers = count(1)
START = datetime(2025, 11, 15, 12, 0, tzinfo=UTC)


def make_connection(**over: Any) -> Connection:
    return make_new_connection(**over).connection


def make_new_connection(**over: Any) -> NewConnection:
    number = next(_numbers)
    return create_connection(**{"name": f"loja {number}", "instance": f"evs-{number}", **over})


def make_identity(contact: Contact, kind: str = "pn", address: str = "", **over: Any) -> Identity:
    address = address or f"55119{next(_numbers):08d}"
    keys = {"hmac": identity_hmac(kind, address)}
    if kind == "pn":
        keys |= {"br_hmac": number_hmac(address), "tail_hmac": tail_hmac(address)}
    return Identity.objects.create(contact=contact, kind=kind, address=address, **keys, **over)


def make_contact(
    name: str = "", *, address: str = "", kind: str = "person", **over: Any
) -> Contact:
    fields = {"kind": kind, "name": name, "search_name": search_form(name), **over}
    contact = Contact.objects.create(**fields)
    if kind == "group":
        make_identity(contact, "group", address or f"12036300000{next(_numbers):07d}")
    else:
        make_identity(contact, "pn", address)
    return contact


def make_conversation(
    connection: Connection | None = None, contact: Contact | None = None, **over: Any
) -> Conversation:
    contact = contact or make_contact(f"Pessoa {next(_numbers)}")
    fields = {
        "connection": connection or make_connection(),
        "contact": contact,
        "kind": contact.kind,
        "last_message_at": START,
        **over,
    }
    return Conversation.objects.create(**fields)


def make_message(conversation: Conversation | None = None, **over: Any) -> Message:
    conversation = conversation or make_conversation()
    number = next(_numbers)
    direction = over.get("direction", "inbound")
    fields = {
        "connection_id": conversation.connection_id,
        "conversation": conversation,
        "provider_id": f"3EB0{number:012d}",
        "direction": direction,
        "source": "customer" if direction == "inbound" else "phone",
        "type": "text",
        "text": f"mensagem {number}",
        "status": "received" if direction == "inbound" else "sent",
        "occurred_at": START + timedelta(seconds=number),
        "received_at": START + timedelta(seconds=number + 1),
        **over,
    }
    return Message.objects.create(**fields)


def make_raw_event(connection: Connection, body: bytes = b'{"event":"x"}', **over: Any) -> str:
    """Store a row of the raw log; returns the id under which it is read."""
    fields = {
        "received_at": timezone.now(),
        "tenant_id": current_tenant().id,
        "connection_id": connection.public_id,
        "dedupe_key": bytes(32),
        "event": "messages.upsert",
        "instance": connection.instance,
        "body": body,
        "next_attempt_at": timezone.now(),
        **over,
    }
    row = WebhookEvent.objects.create(**fields)
    return encode_cursor(row.received_at, row.pk)
