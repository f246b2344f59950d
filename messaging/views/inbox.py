"""The conversation list as a page shows it: filters in the address, tabs, rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from evosense.core.wording import number_words
from messaging.models import Conversation, Message
from messaging.selectors import conversations
from messaging.selectors.choices import connection_choices
from messaging.selectors.conversations import ConversationFilter, ConversationRow, TabCounts
from messaging.services.drafts import drafts_in
from messaging.views.bubbles import TYPE_ICONS, type_words
from messaging.views.common import bad_filter, parse_uuid, sees_numbers, user_id

# The palette has four marks for connections.
MARKS = 4


@dataclass(frozen=True)
class ListQuery:
    """The filters of the list, as the address carries them."""

    connection: UUID | None = None
    kind: str = ""
    unread: bool = False
    q: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "ListQuery":
        """Read the address; raises Invalid naming the filter that makes no sense."""
        kind = request.GET.get("tipo", "")
        if kind and kind not in Conversation.Kind.values:
            raise bad_filter("tipo")
        unread = request.GET.get("nao_lidas", "")
        if unread not in {"", "0", "1", "on"}:
            raise bad_filter("nao_lidas")
        return cls(
            connection=parse_uuid(request.GET.get("conexao", ""), "conexao"),
            kind=kind,
            unread=unread in {"1", "on"},
            q=request.GET.get("q", "").strip()[:200],
        )

    @property
    def filter(self) -> ConversationFilter:
        return ConversationFilter(
            connection=self.connection, kind=self.kind, unread_only=self.unread, q=self.q
        )

    @property
    def params(self) -> dict[str, str]:
        found = {
            "q": self.q,
            "conexao": str(self.connection or ""),
            "tipo": self.kind,
            "nao_lidas": "1" if self.unread else "",
        }
        return {name: value for name, value in found.items() if value}

    def address(self, path: str, *, drop: Sequence[str] = (), **more: str) -> str:
        """Return `path` with these filters, some dropped or replaced."""
        params = {**self.params, **more}
        kept = {name: value for name, value in params.items() if value and name not in drop}
        return f"{path}?{urlencode(kept)}" if kept else path


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    count: str
    is_current: bool


@dataclass(frozen=True)
class ActiveFilter:
    """A filter that narrows the list now, and the address without it."""

    label: str
    without_url: str


@dataclass(frozen=True)
class ListItem:
    """One row of the list."""

    row: ConversationRow
    url: str
    is_current: bool
    # What this person began to write there and did not send.
    draft: str = ""

    @property
    def mark(self) -> int:
        return (self.row.connection.color - 1) % MARKS + 1

    @property
    def at(self) -> datetime:
        return self.row.last_message_at

    @property
    def is_own(self) -> bool:
        return self.row.preview.direction == Message.Direction.OUTBOUND

    @property
    def preview_icon(self) -> str:
        kind = self.row.preview.type
        return "" if kind in {"", "text"} else TYPE_ICONS.get(kind, "help")

    @property
    def preview(self) -> str:
        return self.row.preview.text or type_words(self.row.preview.type)

    @property
    def avatar_icon(self) -> str:
        if self.row.kind == Conversation.Kind.BROADCAST:
            return "megaphone"
        if self.row.is_group:
            return "users"
        return "" if self.row.contact.is_named else "user"


def list_context(
    request: HttpRequest, query: ListQuery, *, current: UUID | None = None
) -> dict[str, Any]:
    """Return what the list column needs; a constant number of queries."""
    cursor = request.GET.get("cursor") or None
    page = conversations.conversation_page(
        query.filter, cursor=cursor, show_numbers=sees_numbers(request)
    )
    path = reverse("messaging:conversation-list")
    begun = drafts_in([row.pk for row in page.rows], user_id(request))
    return {
        "items": [_item(row, query, current, begun.get(row.pk, "")) for row in page.rows],
        "next_url": query.address(path, cursor=page.next) if page.next else "",
        "list_url": path,
        "items_url": query.address(path),
        "query": query,
        "query_string": urlencode(query.params),
        "is_continued": cursor is not None,
    }


def frame_context(query: ListQuery) -> dict[str, Any]:
    """Return what stands above the rows: tabs, the choice of connections, active filters."""
    known = connection_choices()
    return {
        "tabs": _tabs(query, conversations.tab_counts()),
        "connections": known,
        "kinds": Conversation.Kind.choices,
        "active": _active(query, {str(one.id): one.name for one in known}),
    }


def _item(row: ConversationRow, query: ListQuery, current: UUID | None, draft: str) -> ListItem:
    path = reverse("messaging:conversation-detail", args=[row.id])
    is_current = row.id == current
    # The open one shows its draft in the composer.
    return ListItem(row, query.address(path), is_current, "" if is_current else draft)


def _tabs(query: ListQuery, counts: TabCounts) -> list[Tab]:
    path = reverse("messaging:conversation-list")
    rest = ("tipo", "nao_lidas")
    is_group = query.kind == Conversation.Kind.GROUP
    return [
        Tab(
            pgettext("conversations", "All"),
            query.address(path, drop=rest),
            _count(counts.all, counts),
            not query.unread and not query.kind,
        ),
        Tab(
            _("Unread"),
            query.address(path, drop=("tipo",), nao_lidas="1"),
            _count(counts.unread, counts),
            query.unread and not query.kind,
        ),
        Tab(
            _("Groups"),
            query.address(path, drop=("nao_lidas",), tipo="group"),
            _count(counts.groups, counts),
            is_group and not query.unread,
        ),
    ]


def _count(value: int, counts: TabCounts) -> str:
    return number_words(value) + ("+" if value >= counts.capped_at else "")


def _active(query: ListQuery, names: dict[str, str]) -> list[ActiveFilter]:
    path = reverse("messaging:conversation-list")
    words = {
        "q": f"“{query.q}”",
        "conexao": names.get(str(query.connection), _("unknown connection")),
        "tipo": str(dict(Conversation.Kind.choices).get(query.kind, "")),
        "nao_lidas": _("Unread"),
    }
    return [ActiveFilter(words[name], query.address(path, drop=(name,))) for name in query.params]
