"""The conversation list and one conversation, for pages and API alike."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.pagination import newest_first
from evosense.core.schema import database_cursor
from messaging.models import Connection, Conversation, Message
from messaging.selectors.people import Person, person
from messaging.selectors.search import conversations_like, conversations_of_jid

PAGE = 30
# Tabs say "1,000+" above this: counting on would cost more than anybody reads from it.
COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """What to list; a field left at its default does not narrow the list."""

    connection: UUID | None = None
    kind: str = ""
    unread_only: bool = False
    status: str = ""
    q: str = ""
    chat: str = ""
    since: datetime | None = None
    until: datetime | None = None
    # Only where somebody could write now or later.
    writable_only: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionTag:
    """As much of a connection as a row needs."""

    pk: int
    id: UUID
    name: str
    color: int
    state: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The last message in one line; `text` is empty for media without caption."""

    text: str
    type: str
    direction: str
    status: str


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One conversation, as the list and the head of the thread show it."""

    pk: int
    id: UUID
    kind: str
    status: str
    contact: Person
    connection: ConnectionTag
    preview: Preview
    unread_count: int
    read_until: datetime | None
    last_message_at: datetime
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    is_archived_on_phone: bool
    is_live: bool
    attribution: dict[str, Any] | None
    created_at: datetime
    # Only where one conversation or one contact is shown.
    first_message_at: datetime | None = None

    @property
    def started_at(self) -> datetime:
        """When it began; an imported one is older than its row."""
        return self.first_message_at or self.created_at

    @property
    def name(self) -> str:
        return self.contact.name

    @property
    def number(self) -> str:
        return self.contact.number

    @property
    def is_group(self) -> bool:
        return self.kind == Conversation.Kind.GROUP


@dataclass(frozen=True, slots=True)
class ConversationPage:
    rows: list[ConversationRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class TabCounts:
    """Live conversations of each tab; a count of `COUNTED` means that many or more."""

    all: int
    unread: int
    groups: int
    capped_at: int = COUNTED


def conversation_page(
    filters: ConversationFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
    show_numbers: bool,
) -> ConversationPage:
    """Return live conversations, the one with the newest message first."""
    found = newest_first(
        _with_parties(_filtered(filters)), field="last_message_at", limit=limit, cursor=cursor
    )
    return ConversationPage(
        [_row(one, show_numbers=show_numbers) for one in found.rows], found.next
    )


def conversation(public_id: UUID, *, show_numbers: bool) -> ConversationRow:
    """Return one conversation; an id that was merged leads to the conversation that remained."""
    return _row(conversation_model(public_id), show_numbers=show_numbers)


def conversation_model(public_id: UUID) -> Conversation:
    """Return the stored conversation with its parties; raises NotFound."""
    return _remaining(_with_start(_with_parties(Conversation.objects.all())), public_id)


def conversation_to_write(public_id: UUID) -> Conversation:
    """Return the stored conversation with its connection alone, for whoever sends; like above."""
    return _remaining(Conversation.objects.select_related("connection"), public_id)


def _remaining(rows: QuerySet[Conversation], public_id: UUID) -> Conversation:
    found = rows.filter(public_id=public_id).first()
    while found is not None and found.merged_into_id is not None:
        found = rows.filter(pk=found.merged_into_id).first()
    if found is None:
        raise NotFound("conversation_not_found", _("This conversation does not exist."))
    return found


def conversations_of_contact(contact_pk: int, *, show_numbers: bool) -> list[ConversationRow]:
    """Return what was said with one contact over every connection, newest first."""
    rows = _with_parties(Conversation.objects.filter(contact_id=contact_pk, merged_into=None))
    newest = _with_start(rows).order_by("-last_message_at", "-pk")[:100]
    return [_row(one, show_numbers=show_numbers) for one in newest]


def tab_counts() -> TabCounts:
    """Return how many conversations each tab holds, in one query that stops counting early."""
    some = "SELECT count(*) FROM (SELECT FROM messaging_conversation WHERE is_live{} LIMIT %s) t"
    narrowed = ("", " AND unread_count > 0", " AND kind = 'group'")
    statement = "SELECT " + ", ".join(f"({some.format(also)})" for also in narrowed)
    with database_cursor() as cursor:
        cursor.execute(statement, [COUNTED] * len(narrowed))
        return TabCounts(*cursor.fetchone())


def tag_of(connection: Connection) -> ConnectionTag:
    return ConnectionTag(
        pk=connection.pk,
        id=connection.public_id,
        name=connection.shown_name,
        color=connection.color,
        state=connection.state,
    )


def _filtered(filters: ConversationFilter) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(is_live=True)
    exact: dict[str, Any] = {
        "connection__public_id": filters.connection,
        "kind": filters.kind,
        "status": filters.status,
        "last_message_at__gte": filters.since,
        "last_message_at__lt": filters.until,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if filters.writable_only:
        kept = rows.filter(connection__removed_at=None)
        rows = kept.exclude(kind=Conversation.Kind.BROADCAST)
    if filters.unread_only:
        rows = rows.filter(unread_count__gt=0)
    if filters.chat:
        rows = rows.filter(pk__in=conversations_of_jid(filters.chat))
    return rows.filter(conversations_like(filters.q)) if filters.q.strip() else rows


def _with_parties(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    # Connections are fetched apart: a join would decrypt their secrets for every row.
    return rows.select_related("contact").prefetch_related("connection", "contact__identities")


def _with_start(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Add the time of the first message: one row of the thread's index for each conversation."""
    said = Message.objects.filter(conversation=OuterRef("pk"), is_hidden=False)
    first = said.order_by("occurred_at", "pk").values("occurred_at")[:1]
    return rows.annotate(first_message_at=Subquery(first))


def _row(one: Conversation, *, show_numbers: bool) -> ConversationRow:
    return ConversationRow(
        pk=one.pk,
        id=one.public_id,
        kind=one.kind,
        status=one.status,
        contact=person(one.contact, show_numbers=show_numbers),
        connection=tag_of(one.connection),
        preview=Preview(one.preview, one.preview_type, one.preview_direction, one.preview_status),
        unread_count=one.unread_count,
        read_until=one.read_until,
        last_message_at=one.last_message_at,
        last_inbound_at=one.last_inbound_at,
        last_outbound_at=one.last_outbound_at,
        is_archived_on_phone=one.is_archived_on_phone,
        is_live=one.is_live,
        attribution=one.attribution,
        created_at=one.created_at,
        first_message_at=getattr(one, "first_message_at", None),
    )
