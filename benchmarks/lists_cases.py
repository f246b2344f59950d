"""What is measured: each act asks for another page every time."""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from evosense.core.pagination import encode_cursor
from messaging.models import Connection, Conversation, Message
from messaging.selectors.contacts import ContactFilter, contact_page
from messaging.selectors.conversations import ConversationFilter, conversation_page, tab_counts
from messaging.selectors.messages import MessageFilter, message_page
from messaging.selectors.thread import thread_page

Act = Callable[[], object]
PAGE, THREAD = 30, 50


def cases() -> dict[str, Act]:
    lines = list(Connection.objects.values_list("public_id", flat=True))
    busy = list(Conversation.objects.order_by("pk").values_list("pk", "public_id")[:200])
    total = Conversation.objects.count()
    return {
        "list, first page": listed,
        "list, page at any depth": lambda: listed(cursor=some_moment()),
        "list, one connection": lambda: listed(connection=random.choice(lines)),
        "list, unread": lambda: listed(unread_only=True),
        "list, groups, any depth": lambda: listed(kind="group", cursor=some_moment()),
        "list, closed (none)": lambda: listed(status="closed"),
        "list, search by name": lambda: listed(q=f"silva {random.randrange(total)}"),
        "list, search by common name": lambda: listed(q="maria"),
        "list, search by number": lambda: listed(q=f"55119{random.randrange(total):08d}"),
        "list, search by last four": lambda: listed(q=f"{random.randrange(10_000):04d}"),
        "list, search by rare word": lambda: listed(q=f"w{random.randrange(20_000)}"),
        "list, search by common word": lambda: listed(q="boleto"),
        "list, counts of the tabs": tab_counts,
        "thread, first page": lambda: thread(random.choice(busy)[0]),
        "thread, page at any depth": lambda: thread(random.choice(busy)[0], before=some_moment()),
        "thread, around a message": partial(around, busy),
        "contacts, any depth": lambda: contact_page(ContactFilter(), show_numbers=True),
        "API messages, first page": told,
        "API messages, one connection": lambda: told(connection=random.choice(lines)),
        "API messages, one type": lambda: told(type="location"),
        "API messages, status nobody has": lambda: told(status="failed"),
        "API messages, common word": lambda: told(text="boleto"),
        "API messages, rare word": lambda: told(text=f"w{random.randrange(20_000)}"),
        "API messages, one author": lambda: told(author=f"55119{random.randrange(total):08d}"),
        "API messages, a day": a_day,
    }


def obvious_cases() -> dict[str, Act]:
    total = Conversation.objects.count()
    busy = list(Conversation.objects.order_by("pk").values_list("pk", flat=True)[:200])
    return {
        "list, first page": lambda: obvious_list(0),
        "list, page at any depth": lambda: obvious_list(random.randrange(total - PAGE)),
        "thread, first page": lambda: obvious_thread(random.choice(busy), 0),
        "thread, page at any depth": lambda: obvious_thread(
            random.choice(busy), random.randrange(1_500)
        ),
    }


def listed(*, cursor: str | None = None, **filters: Any) -> object:
    narrowed = ConversationFilter(**filters)
    return conversation_page(narrowed, cursor=cursor, limit=PAGE, show_numbers=True)


def thread(pk: int, **where: Any) -> object:
    return thread_page(pk, limit=THREAD, show_numbers=True, **where)


def around(busy: list[Any]) -> object:
    pk = random.choice(busy)[0]
    rows = Message.objects.filter(conversation_id=pk, occurred_at__lt=moment())
    target = rows.order_by("-occurred_at", "-pk").values_list("public_id", flat=True).first()
    return thread(pk, around=target) if target else None


def told(**filters: Any) -> object:
    return message_page(MessageFilter(**filters), limit=THREAD, show_numbers=True)


def a_day() -> object:
    until = moment()
    return told(since=until - timedelta(days=1), until=until)


def moment() -> Any:
    return timezone.now() - timedelta(days=90 * random.random())


def some_moment() -> str:
    return encode_cursor(moment(), 0)


def obvious_list(offset: int) -> object:
    """Page by OFFSET and look every part of a row up when it is printed."""
    shown = []
    rows = Conversation.objects.filter(is_live=True).order_by("-last_message_at", "-pk")
    for row in rows[offset : offset + PAGE]:
        identity = row.contact.identities.first()
        last = row.messages.order_by("-occurred_at").first()
        unread = row.messages.filter(direction="inbound", status="unread").count()
        shown.append((row.contact.name, identity, row.connection.name, last, unread))
    return shown


def obvious_thread(pk: int, offset: int) -> object:
    shown = []
    rows = Message.objects.filter(conversation_id=pk, is_hidden=False)
    for row in rows.order_by("-occurred_at", "-pk")[offset : offset + THREAD]:
        person = row.author or row.conversation.contact
        quoted = Message.objects.filter(
            conversation_id=pk, provider_id=row.reply_to_provider_id
        ).first()
        parts = (list(row.reactions.all()), row.versions.count(), getattr(row, "media", None))
        shown.append((person.name, person.identities.first(), quoted, parts))
    return shown
