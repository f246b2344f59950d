"""Short lists to choose from in filters and forms."""

from django.db.models import Sum

from messaging.models import Connection, Conversation
from messaging.selectors.conversations import ConnectionTag, tag_of


def connection_choices() -> list[ConnectionTag]:
    """Return every connection by name, without the counts that its own page shows."""
    return [tag_of(one) for one in Connection.objects.order_by("name", "pk")]


def sending_choices() -> list[ConnectionTag]:
    """Return the connections that are still in use, the default one first."""
    rows = Connection.objects.filter(is_active=True, removed_at=None)
    return [tag_of(one) for one in rows.order_by("-is_default", "name", "pk")]


def unread_totals() -> tuple[int, int]:
    """Return how many live conversations have unread messages, and how many messages those are."""
    unread = Conversation.objects.filter(is_live=True, unread_count__gt=0)
    return unread.count(), unread.aggregate(total=Sum("unread_count"))["total"] or 0
