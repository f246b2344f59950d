"""What of one connection was not sent, or nobody knows whether it was."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from messaging.models import Outgoing
from messaging.selectors.failure_words import failure_words

PAGE = 25
_TROUBLED = (Outgoing.State.FAILED, Outgoing.State.DEAD, Outgoing.State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class TroubledSend:
    """One thing that did not go out, or may have. `code` says why, in our words' table."""

    pk: int
    id: UUID
    conversation_id: UUID | None
    contact_name: str
    kind_label: str
    text: str
    state: str
    state_label: str
    attempts: int
    code: str
    detail: str
    at: datetime

    @property
    def words(self) -> str:
        """Return why, as a sentence."""
        return str(failure_words(self.code)) if self.code else self.state_label

    @property
    def is_unknown(self) -> bool:
        return self.state == Outgoing.State.UNKNOWN


@dataclass(frozen=True, slots=True)
class TroublePage:
    rows: list[TroubledSend]
    next: str | None


def trouble_page(connection_pk: int, *, cursor: str | None = None) -> TroublePage:
    """Return what failed, was given up or is in doubt, newest first; raises Invalid (cursor)."""
    rows = Outgoing.objects.filter(connection_id=connection_pk, state__in=_TROUBLED)
    if cursor is not None:
        rows = rows.filter(pk__lt=_pk(cursor))
    rows = rows.select_related("conversation__contact").order_by("-pk")
    found = list(rows[: PAGE + 1])
    more = str(found[PAGE - 1].pk) if len(found) > PAGE else None
    return TroublePage([_row(one) for one in found[:PAGE]], more)


def is_sent_by(connection_id: UUID, public_id: UUID) -> bool:
    """Tell whether this connection was asked to send this."""
    rows = Outgoing.objects.filter(public_id=public_id, connection__public_id=connection_id)
    return rows.exists()


def _pk(cursor: str) -> int:
    if not cursor.isdecimal() or len(cursor) > 18:
        message = _("This cursor is not one that a list returned.")
        raise Invalid("invalid_cursor", message, field="cursor")
    return int(cursor)


def _row(one: Outgoing) -> TroubledSend:
    failure = one.failure or {}
    conversation = one.conversation
    return TroubledSend(
        pk=one.pk,
        id=one.public_id,
        conversation_id=conversation.public_id if conversation else None,
        contact_name=conversation.contact.name if conversation else "",
        kind_label=str(Outgoing.Kind(one.kind).label),
        text=str(one.payload.get("text") or one.payload.get("caption") or ""),
        state=one.state,
        state_label=str(Outgoing.State(one.state).label),
        attempts=one.attempts,
        code=str(failure.get("code", "")),
        detail=str(failure.get("detail", "")),
        at=one.finished_at or one.sending_at or one.created_at,
    )
