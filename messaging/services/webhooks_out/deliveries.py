"""What people do with deliveries: try an endpoint, and send something again."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.selectors.webhooks_out import delivery_row, endpoint_row
from messaging.services.webhooks_out import claims
from messaging.services.webhooks_out.kinds import TEST
from messaging.services.webhooks_out.noting import wake
from messaging.services.webhooks_out.sending import attempt
from tenancy.services import audit

State = WebhookDelivery.State


def send_test(public_id: UUID) -> UUID:
    """Send a test now and return its delivery's id; also to an endpoint that is off.

    Asks the network, so call it outside transactions. It has one attempt and counts against
    nobody. Raises NotFound.
    """
    endpoint, now = endpoint_row(public_id), timezone.now()
    # Claimed from its birth: no worker takes it before us, and one does when we die.
    with transaction.atomic():
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint,
            type=TEST,
            occurred_at=now,
            data={"endpoint_id": str(endpoint.public_id)},
            state=State.SENDING,
            attempts=1,
            next_at=now + claims.LEASE,
        )
        _record("webhook.tested", endpoint, delivery)
    attempt(delivery)
    return delivery.public_id


def replay(public_id: UUID, delivery_id: UUID) -> None:
    """Send a delivery that is over once more, with its own `webhook-id` and all its attempts.

    Raises NotFound, Conflict for one that still waits or whose endpoint is off.
    """
    found = delivery_row(public_id, delivery_id)
    with transaction.atomic():
        endpoint = claims.lock(found.endpoint_id)
        if endpoint is None or not endpoint.is_active:
            raise Conflict("webhook_off", _("Switch the webhook on first."))
        over = WebhookDelivery.objects.filter(pk=found.pk).exclude(state__in=claims.WAITING)
        fresh = {"state": State.PENDING, "attempts": 0, "next_at": timezone.now()}
        if not over.update(**fresh, finished_at=None):
            raise Conflict("delivery_waiting", _("This delivery is on its way already."))
        # Whoever asks for it knows that the endpoint is back.
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)
        _record("webhook.replayed", endpoint, found)
        wake()


def _record(action: str, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> None:
    audit.record(
        action,
        object_type="webhook",
        object_id=endpoint.public_id,
        object_label=endpoint.name,
        changes={"delivery": [None, str(delivery.public_id)]},
    )
