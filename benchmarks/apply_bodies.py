"""Bodies as Evolution 2.3.7 sends them, and the raw log filled with them."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from django.db import connection, transaction  # noqa: TID251
from django.utils import timezone

from evosense.core.crypto import token_digest
from evosense.core.ids import uuid7
from evosense.core.schema import public_scope, tenant_scope

FIXTURES = Path(__file__).parents[1] / "messaging" / "tests" / "fixtures" / "evolution"
TEXT = json.loads((FIXTURES / "020-text-inbound.json").read_bytes())
SENT = json.loads((FIXTURES / "120-send-message-text.json").read_bytes())
UPDATE = json.loads((FIXTURES / "141-update-delivery-ack.json").read_bytes())
CHATS = 20
_EPOCH = 1_763_200_000


def message(number: int, count: int) -> tuple[str, bytes]:
    """An inbound text; every chat gets about twenty of a run."""
    chat = (number * 7919) % max(1, count // CHATS)
    ident = f"AC{number:030d}"
    data = TEXT["data"]
    key = data["key"] | {
        "id": ident,
        "remoteJid": f"55119{chat:08d}@s.whatsapp.net",
        "remoteJidAlt": f"1845129{chat:08d}@lid",
    }
    text = data["message"] | {"conversation": f"Bom dia, o pedido {number} já saiu para entrega?"}
    fields = {"key": key, "message": text, "messageTimestamp": _EPOCH + number % 1_000_000}
    return ident, orjson.dumps(TEXT | {"data": data | fields | {"pushName": f"Cliente {chat}"}})


def sent(ident: str, number: int) -> bytes:
    key = {"remoteJid": f"55119{number % 500:08d}@s.whatsapp.net", "fromMe": True, "id": ident}
    fields = {"key": key, "messageTimestamp": _EPOCH + number}
    return orjson.dumps(SENT | {"data": SENT["data"] | fields})


def receipt(ident: str, number: int, status: str) -> bytes:
    jid = f"55119{number % 500:08d}@s.whatsapp.net"
    fields = {"keyId": ident, "remoteJid": jid, "status": status}
    return orjson.dumps(UPDATE | {"data": UPDATE["data"] | fields})


def fill(tenant: Any, lines: list[Any], bodies: list[bytes]) -> None:
    """Write bodies into the raw log as the receiver does, each with its line's instance."""
    start = timezone.now()
    with public_scope(), connection.cursor() as cursor:
        statement = (
            "COPY public.webhook_events (received_at, tenant_id, connection_id, dedupe_key, event,"
            " instance, body) FROM STDIN"
        )
        with cursor.copy(statement) as copy:
            for place, body in enumerate(bodies):
                line = lines[place % len(lines)]
                named = body.replace(b"evs-t42-clinica-sorriso", line.instance.encode(), 1)
                at = start + timedelta(microseconds=place)
                digest = token_digest(str(place))
                values = (at, tenant.id, line.public_id, digest, "", line.instance, named)
                copy.write_row(values)
        cursor.execute("ANALYZE public.webhook_events")


def upsert_alone(tenant: Any, line: Any, count: int, size: int = 200) -> float:
    """Return the seconds that the message rows alone take, batched as the worker batches."""
    from messaging.ingest.apply.bubbles import _UPSERT  # noqa: PLC0415
    from messaging.models import Contact, Conversation  # noqa: PLC0415
    from messaging.sql import Sql, columns  # noqa: PLC0415

    with tenant_scope(tenant):
        chats = []
        for _ in range(max(1, count // CHATS)):
            contact = Contact.objects.create()
            now = timezone.now()
            chat = Conversation.objects.create(
                connection=line, contact=contact, last_message_at=now
            )
            chats.append(chat.pk)
        now, sender = timezone.now(), bytes(32)
        spent = 0.0
        for start in range(0, count, size):
            rows = [
                _row(chats[number % len(chats)], number, now, sender)
                for number in range(start, min(count, start + size))
            ]
            rows.sort(key=lambda row: row[1])
            values = columns(rows, 24)
            began = time.perf_counter()
            with transaction.atomic():
                Sql().rows(_UPSERT, [line.pk, *values])
            spent += time.perf_counter() - began
        return spent


def _row(chat: int, number: int, now: Any, sender: bytes) -> tuple[Any, ...]:
    text = f"Bom dia, o pedido {number} já saiu para entrega?"
    at = now + timedelta(seconds=number % 1_000)
    return (
        *(uuid7(), chat, f"AC{number:030d}", "inbound", "customer", None, sender, "text", "", text),
        *("received", None, at, False, now, "", None, False, None, False, False, False, False),
        None,
    )
