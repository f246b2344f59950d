"""Switching an endpoint off, and the letter about one that we switched off ourselves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from evosense.core.schema import current_tenant, public_scope, tenant_scope
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenancy.models import Mail, Membership, User
from tenancy.services import audit, links, mail

State = WebhookDelivery.State
MAIL = "webhook_disabled"
DISABLED = "endpoint_disabled"


def register_letter() -> None:
    """Announce the letter of this module."""
    mail.register_mail(MAIL, webhook_disabled)


def disable(endpoint: WebhookEndpoint, reason: str, now: datetime) -> None:
    """Switch an active endpoint off and write to the owners, in the caller's transaction."""
    switched = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True)
    if not switched.update(is_active=False, disabled_reason=reason, disabled_at=now):
        return
    drop_waiting(endpoint.pk)
    audit.record(
        "webhook.disabled",
        object_type="webhook",
        object_id=endpoint.public_id,
        object_label=endpoint.name,
        changes={"reason": ["", reason]},
    )
    tenant_id = current_tenant().id
    for person in _owners(tenant_id):
        mail.post(
            MAIL,
            to=person.email,
            object_id=endpoint.public_id,
            tenant_id=tenant_id,
            locale=person.locale,
        )


def drop_waiting(endpoint_id: int) -> None:
    """End what waits for an endpoint that is off; what is being sent just now settles itself."""
    WebhookDelivery.objects.filter(endpoint_id=endpoint_id, state=State.PENDING).update(
        state=State.DROPPED, next_at=None, finished_at=timezone.now(), last_error=DISABLED
    )


def webhook_disabled(letter: Mail) -> dict[str, Any] | None:
    """`object_id` is the endpoint; nothing to say when it is gone or works again."""
    if letter.tenant is None:
        return None
    with tenant_scope(letter.tenant.ref):
        rows = WebhookEndpoint.objects.filter(public_id=UUID(letter.object_id))
        endpoint = rows.exclude(disabled_reason="").first()
    if endpoint is None:
        return None
    person = User.objects.filter(email=letter.to).first()
    return {
        "name": person.name if person else "",
        "webhook": endpoint,
        "company_name": letter.tenant.name,
        "url": links.tenant_url(
            letter.tenant.pk, "messaging:webhooks-detail", str(endpoint.public_id)
        ),
    }


def _owners(tenant_id: UUID) -> list[User]:
    with public_scope():
        rows = Membership.objects.select_related("user").filter(
            tenant_id=tenant_id, role="owner", is_active=True, user__is_active=True
        )
        return [one.user for one in rows.order_by("user_id")]
