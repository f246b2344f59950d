"""Deliveries of the Evolution fixtures, the worker, and the canonical state they must lead to."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from evosense.core.crypto import token_digest
from evosense.core.schema import current_tenant, database_cursor
from messaging.ingest.worker import Worker
from messaging.models import (
    Call,
    Connection,
    Contact,
    Conversation,
    ConversationLabel,
    GroupMember,
    Identity,
    Label,
    Message,
    MessageMedia,
    MessageVersion,
    ParkedEffect,
    PollVote,
    Reaction,
)
from messaging.services.connections import create_connection

FOLDER = Path(__file__).parents[1] / "fixtures" / "evolution"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())["webhooks"]
OWN = "5511900004200"
INSTANCE, CLOUD = "evs-t42-clinica-sorriso", "evs-t42-oficial"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def body_of(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def received_at(name: str) -> datetime:
    """Each delivery keeps its own time of receipt, whenever it is worked on."""
    return START + timedelta(seconds=int(name[:3]))


def make_lines(number: str = OWN) -> dict[str, UUID]:
    return {
        INSTANCE: create_connection(
            name="Clínica", instance=INSTANCE, number=number
        ).connection.public_id,
        CLOUD: create_connection(name="Oficial", instance=CLOUD).connection.public_id,
    }


def deliver(
    connection: UUID, body: bytes | dict[str, Any], at: datetime = START, lane: int = 0
) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with database_cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.webhook_events"
            " (received_at, tenant_id, connection_id, dedupe_key, body, lane)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            [at, current_tenant().id, connection, token_digest(str(at)), raw, lane],
        )
        return int(cursor.fetchone()[0])


def deliver_fixture(lines: dict[str, UUID], name: str) -> int:
    raw = body_of(name)
    instance = json.loads(raw).get("instance", INSTANCE)
    is_history = json.loads(raw)["event"] == "messages.set"
    return deliver(lines[instance], raw, received_at(name), lane=int(is_history))


def work(size: int = 200) -> int:
    return Worker(turn_size=size).drain()


def outcome(event_id: int) -> tuple[int, str, str]:
    with database_cursor() as cursor:
        cursor.execute(
            "SELECT status, flag, error_message FROM public.webhook_events WHERE id = %s",
            [event_id],
        )
        return tuple(cursor.fetchone())


def jids(contact_id: int | None) -> list[str]:
    return sorted(
        f"{one.kind}|{one.address}" for one in Identity.objects.filter(contact_id=contact_id)
    )


def canonical() -> dict[str, Any]:
    """Everything that must not depend on order, without keys and clocks of this run."""
    people = {contact.pk: jids(contact.pk) for contact in Contact.objects.all()}
    senders = {bytes(one.hmac): one.contact_id for one in Identity.objects.all()}
    chats = {
        chat.pk: (chat.connection.instance, people[chat.contact_id])
        for chat in Conversation.objects.select_related("connection")
    }
    names = {
        one.pk: (
            chats[one.conversation_id],
            one.provider_id,
            one.direction,
            people.get(one.author_id),
        )
        for one in Message.objects.all()
    }
    return {
        "contacts": _sorted(
            (people[c.pk], c.kind, c.name, c.name_source, c.push_name, c.search_name, c.avatar_url)
            for c in Contact.objects.filter(merged_into=None)
        ),
        "chats": _sorted(
            _chat(chat, chats, names) for chat in Conversation.objects.filter(is_live=True)
        ),
        "messages": _sorted(
            (*names[one.pk], people.get(senders.get(bytes(one.sender or b""))), *_message(one))
            for one in Message.objects.all()
        ),
        "versions": _sorted(
            (names[v.message_id], v.written_at, v.text) for v in MessageVersion.objects.all()
        ),
        "reactions": _sorted(
            (names[r.message_id], people.get(r.author_id), r.emoji, r.reacted_at)
            for r in Reaction.objects.all()
        ),
        "votes": _sorted(
            (names[v.message_id], people.get(v.voter_id), v.options) for v in PollVote.objects.all()
        ),
        "media": _sorted(
            (names[m.message_id], m.kind, m.mime, m.size, m.name)
            for m in MessageMedia.objects.all()
        ),
        "calls": _sorted(
            (c.provider_id, people.get(c.contact_id), c.status, c.occurred_at)
            for c in Call.objects.all()
        ),
        "members": _sorted(
            (people[g.group_id], people[g.member_id], g.role, g.is_present)
            for g in GroupMember.objects.all()
        ),
        "labels": _sorted(
            (one.provider_id, one.name, one.is_deleted) for one in Label.objects.all()
        ),
        "labelled": _sorted(
            (chats[one.conversation_id], one.label.provider_id)
            for one in ConversationLabel.objects.select_related("label")
        ),
        "parked": _sorted((p.provider_id, p.kind) for p in ParkedEffect.objects.all()),
        "lines": _sorted(
            (c.instance, c.state, c.profile_name, bool(c.quarantined_at), bool(c.own_hmac))
            for c in Connection.objects.all()
        ),
    }


def _chat(chat: Conversation, chats: dict[int, Any], names: dict[int, Any]) -> tuple[Any, ...]:
    return (
        chats[chat.pk],
        chat.kind,
        chat.unread_count,
        chat.read_until,
        chat.last_message_at,
        names.get(chat.last_message_id or 0),
        chat.last_inbound_at,
        chat.last_outbound_at,
        chat.preview,
        chat.preview_type,
        chat.preview_status,
        chat.attribution,
        chat.is_archived_on_phone,
    )


def _message(one: Message) -> tuple[Any, ...]:
    return (
        one.type,
        one.subtype,
        one.text,
        one.status,
        one.status_at,
        one.source,
        one.occurred_at,
        one.occurred_at_estimated,
        one.received_at,
        one.edited_at,
        one.edited_text_unknown,
        one.deleted_at,
        one.reply_to_provider_id,
        one.view_once,
        one.expires_in,
        one.is_placeholder,
        one.is_hidden,
        one.is_history,
        one.extra,
    )


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)
