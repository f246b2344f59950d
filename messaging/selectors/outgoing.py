"""How far messages of ours have come: what pages and the API show beside WhatsApp's own status."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.gateway.lanes import LaneView, lane_views
from messaging.gateway.models import Lane
from messaging.models import Outgoing, OutgoingAttempt
from messaging.selectors.failure_words import failure_words
from tenancy.models import Tenant

_State = Outgoing.State
_WAITING = (_State.QUEUED, _State.SENDING)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something has not been sent, or not yet. `words` is a lazy sentence."""

    code: str
    words: Any
    # What the server said, in short.
    detail: str
    can_retry: bool


@dataclass(frozen=True, slots=True)
class SendingView:
    """`state` is of `Outgoing.State`; `next_at` is when it is tried, or looked for, again."""

    state: str
    attempts: int
    failure: Failure | None
    next_at: datetime | None
    can_retry: bool
    can_cancel: bool
    can_resolve: bool


def sending_views(message_pks: Sequence[int]) -> dict[int, SendingView]:
    """Return how far those messages have come that were sent from here."""
    rows = list(
        Outgoing.objects.filter(message_id__in=message_pks)
        .select_related("connection")
        .only(
            "message_id",
            "state",
            "attempts",
            "failure",
            "next_at",
            "conversation_id",
            "connection__public_id",
        )
    )
    queued = [row for row in rows if row.state == _State.QUEUED]
    lanes = lane_views(sorted({row.connection.public_id for row in queued})) if queued else {}
    held = _held_up(queued)
    return {
        row.message_id: _view(row, lanes.get(row.connection.public_id), held)
        for row in rows
        if row.message_id is not None
    }


def outgoing_row(public_id: UUID) -> Outgoing:
    """Return anything that was sent from here, whether it has a bubble or not; raises NotFound."""
    rows = Outgoing.objects.select_related("connection", "message", "target")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("outgoing_not_found", _("This was not sent from here."))
    return found


def sending_view(row: Outgoing) -> SendingView:
    """Return how far one thing has come."""
    line = row.connection.public_id
    queued = [row] if row.state == _State.QUEUED else []
    return _view(row, lane_views([line]).get(line) if queued else None, _held_up(queued))


def attempts_of(message_id: UUID) -> list[OutgoingAttempt]:
    """Return every call made for a message and every look for it, oldest first."""
    rows = OutgoingAttempt.objects.filter(outgoing__public_id=message_id)
    return list(rows.order_by("started_at", "pk"))


def queue_depths(connection_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many things of each connection wait to be sent; those with none are left out."""
    rows = Outgoing.objects.filter(
        connection__public_id__in=list(connection_ids), state__in=_WAITING
    )
    found = rows.values_list("connection__public_id").annotate(count=Count("pk")).order_by()
    return dict(found)


def due_sends(tenant: TenantRef | None) -> int:
    """Count what could leave now: due, and its lane open. For one company, or for all."""
    with public_scope():
        lanes = Lane.objects.filter(state=Lane.State.OPEN, due_at__isnull=False)
        if tenant is not None:
            lanes = lanes.filter(tenant_id=tenant.id)
        by_tenant: dict[UUID, list[UUID]] = {}
        for tenant_id, connection_id in lanes.values_list("tenant_id", "connection_id"):
            by_tenant.setdefault(tenant_id, []).append(connection_id)
        companies = Tenant.objects.filter(pk__in=by_tenant, state=Tenant.State.READY)
        refs = [company.ref for company in companies]
    return sum(_due(ref, by_tenant[ref.id]) for ref in refs)


def _due(tenant: TenantRef, connection_ids: list[UUID]) -> int:
    with tenant_scope(tenant):
        return sum(queue_depths(connection_ids).values())


def _held_up(queued: Sequence[Outgoing]) -> set[int | None]:
    """Return which of their conversations wait until the fate of an earlier message is known."""
    waiting = {row.conversation_id for row in queued if row.conversation_id is not None}
    if not waiting:
        return set()
    found = Outgoing.objects.filter(
        conversation_id__in=waiting, state=_State.UNKNOWN, holds_until__gt=timezone.now()
    )
    return set(found.values_list("conversation_id", flat=True))


def _view(row: Outgoing, lane: LaneView | None, held: Collection[int | None]) -> SendingView:
    failure = _failure(row.failure) or _lane_failure(row, lane) or _held_failure(row, held)
    is_open = row.state in (_State.QUEUED, _State.UNKNOWN)
    return SendingView(
        state=row.state,
        attempts=row.attempts,
        failure=failure if row.state != _State.SENT else None,
        next_at=row.next_at if is_open else None,
        can_retry=row.state in (_State.FAILED, _State.DEAD),
        can_cancel=row.state == _State.QUEUED,
        can_resolve=row.state in (_State.UNKNOWN, _State.DEAD),
    )


def _failure(stored: Any) -> Failure | None:
    if not isinstance(stored, dict) or not stored.get("code"):
        return None
    code = str(stored["code"])
    return Failure(
        code, failure_words(code), str(stored.get("detail", "")), bool(stored.get("can_retry"))
    )


def _lane_failure(row: Outgoing, lane: LaneView | None) -> Failure | None:
    """Say what the line waits for, where the message itself has nothing to say."""
    if row.state != _State.QUEUED or lane is None or not lane.reason:
        return None
    return Failure(lane.reason, failure_words(lane.reason), "", can_retry=False)


def _held_failure(row: Outgoing, held: Collection[int | None]) -> Failure | None:
    if row.state != _State.QUEUED or row.conversation_id not in held:
        return None
    return Failure("behind_unknown", failure_words("behind_unknown"), "", can_retry=False)
