"""Webhook endpoints and their deliveries, as pages and the API show them; never a secret."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evosense.core.egress.errors import EgressBlocked, EgressFailed
from evosense.core.errors import NotFound
from evosense.core.pagination import newest_first
from messaging.models import WebhookDelivery, WebhookEndpoint

PAGE = 25
# Whether the endpoint or the way to it said so; what the egress door says has words of its own.
_WORDS: dict[str, Promise] = {
    "http_error": _("The address answered with an error."),
    "redirect": _("The address sends on to another one, which is not followed."),
    "gone": _("The address says that it is gone for good (410)."),
    "too_many": _("The address asks for a pause."),
    "away": _("The server of the address does not work at the moment."),
    "endpoint_disabled": _("The webhook was switched off."),
    "gave_up": _("It was tried too often without an end."),
}
_REASONS: dict[str, Promise] = {
    "gone": _("The address said that it is gone for good (410)."),
    "failing": _("For five days nothing could be delivered."),
}


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint. `state` is active, paused (it fails or asked for it), or off."""

    id: UUID
    name: str
    url: str
    event_types: list[str]
    is_active: bool
    state: str
    # gone, failing; "" when nobody or a person switched it off.
    disabled_reason: str
    disabled_words: Any
    disabled_at: datetime | None
    failing_since: datetime | None
    paused_until: datetime | None
    delivered_at: datetime | None
    # Until then the secret before also signs.
    old_secret_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event on its way to one endpoint."""

    id: UUID
    webhook_id: str
    type: str
    occurred_at: datetime
    data: dict[str, Any]
    state: str
    state_label: str
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str
    error_words: Any
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in {"delivered", "failed", "dropped"}


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    rows: list[DeliveryView]
    next: str | None


def endpoint_list() -> list[EndpointView]:
    """Return every endpoint by name; plans bound how many there are."""
    return [_endpoint(one) for one in _shown().order_by("name", "pk")]


def endpoint_view(public_id: UUID) -> EndpointView:
    """Return one endpoint; raises NotFound."""
    return _endpoint(endpoint_row(public_id, _shown()))


def delivery_page(public_id: UUID, *, cursor: str | None = None, limit: int = PAGE) -> DeliveryPage:
    """Return an endpoint's deliveries, newest first; raises NotFound, Invalid for a bad cursor."""
    rows = WebhookDelivery.objects.filter(endpoint_id=endpoint_row(public_id, _shown()).pk)
    page = newest_first(rows, field="created_at", limit=limit, cursor=cursor)
    return DeliveryPage([_delivery(one) for one in page.rows], page.next)


def delivery_view(public_id: UUID, delivery_id: UUID) -> DeliveryView:
    """Return one delivery; raises NotFound."""
    return _delivery(delivery_row(public_id, delivery_id))


def endpoint_row(public_id: UUID, rows: QuerySet[WebhookEndpoint] | None = None) -> WebhookEndpoint:
    """Return the row, out of `rows` where they are given; raises NotFound."""
    known = WebhookEndpoint.objects.all() if rows is None else rows
    found = known.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("webhook_not_found", _("This webhook does not exist."))
    return found


def delivery_row(public_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Return the row of an endpoint's delivery; raises NotFound."""
    rows = WebhookDelivery.objects.filter(endpoint__public_id=public_id)
    found = rows.filter(public_id=delivery_id).first()
    if found is None:
        raise NotFound("delivery_not_found", _("This delivery does not exist."))
    return found


def error_words(code: str) -> Any:
    """Return what a code of a delivery means; the code itself when nobody described it."""
    known = {**EgressBlocked.reasons, **EgressFailed.reasons, **_WORDS}
    return known.get(code, code)


def _shown() -> QuerySet[WebhookEndpoint]:
    """Return the rows without their secrets, which nobody decrypts to show a list."""
    return WebhookEndpoint.objects.defer("secret", "old_secret")


def _endpoint(one: WebhookEndpoint) -> EndpointView:
    now = timezone.now()
    is_paused = one.paused_until is not None and one.paused_until > now
    rotating = one.old_secret_until if one.old_secret_until and one.old_secret_until > now else None
    return EndpointView(
        id=one.public_id,
        name=one.name,
        url=one.url,
        event_types=one.event_types,
        is_active=one.is_active,
        state="off" if not one.is_active else "paused" if is_paused else "active",
        disabled_reason=one.disabled_reason,
        disabled_words=_REASONS.get(one.disabled_reason, ""),
        disabled_at=one.disabled_at,
        failing_since=one.failing_since,
        paused_until=one.paused_until if is_paused else None,
        delivered_at=one.delivered_at,
        old_secret_until=rotating,
        created_at=one.created_at,
    )


def _delivery(one: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        id=one.public_id,
        webhook_id=webhook_id(one.public_id),
        type=one.type,
        occurred_at=one.occurred_at,
        data=one.data,
        state=one.state,
        state_label=str(WebhookDelivery.State(one.state).label),
        attempts=one.attempts,
        next_at=one.next_at if one.state == WebhookDelivery.State.PENDING else None,
        last_status=one.last_status,
        last_error=one.last_error,
        error_words=error_words(one.last_error),
        created_at=one.created_at,
        finished_at=one.finished_at,
    )


def webhook_id(public_id: UUID) -> str:
    """Return what every attempt of a delivery names itself by; a full stop would be ambiguous."""
    return f"msg_{public_id.hex}"
