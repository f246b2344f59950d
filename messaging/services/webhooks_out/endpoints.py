"""What people do with endpoints: make, change, remove them, and give them a new secret."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, LimitReached
from evosense.core.schema import current_tenant, public_scope
from evosense.core.web_address import refuse_uncallable
from messaging.models import WebhookEndpoint
from messaging.selectors.webhooks_out import endpoint_row
from messaging.services.connections import one_line
from messaging.services.webhooks_out.disabling import drop_waiting
from messaging.services.webhooks_out.kinds import event_types
from messaging.services.webhooks_out.signing import new_secret
from tenancy.models import Tenant
from tenancy.selectors.limits import limit_of
from tenancy.services import audit

# Both secrets sign for so long.
OVERLAP = timedelta(hours=24)
LONGEST_URL = 500
LIMIT = "webhooks"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint and its secret, which cannot be read again."""

    endpoint: WebhookEndpoint
    secret: str


def create_endpoint(*, name: str, url: str, event_types: Iterable[str]) -> NewSecret:
    """Store an endpoint. Looks its name up, so call it outside transactions.

    Raises Invalid, Conflict for a name that is taken, LimitReached.
    """
    fields = {
        "name": one_line(name, "name", 80),
        "url": _checked_url(url),
        "event_types": _checked_types(event_types),
    }
    secret = new_secret()
    with _name_taken(), transaction.atomic():
        _check_room()
        made = WebhookEndpoint.objects.create(**fields, secret=secret)
        changes = {name: [None, value] for name, value in fields.items() if name != "name"}
        _record("webhook.created", made, changes)
    return NewSecret(made, secret)


def update_endpoint(
    public_id: UUID, *, name: str, url: str, event_types: Iterable[str], is_active: bool
) -> WebhookEndpoint:
    """Change an endpoint; one that is switched on again begins with a clean record.

    Raises NotFound, Invalid, Conflict. Looks the name up, so call it outside transactions.
    """
    wanted: dict[str, Any] = {
        "name": one_line(name, "name", 80),
        "url": _checked_url(url),
        "event_types": _checked_types(event_types),
        "is_active": is_active,
    }
    with _name_taken(), transaction.atomic():
        row = _locked(public_id)
        before = {name: getattr(row, name) for name in wanted}
        if wanted["url"] != row.url or (is_active and not row.is_active):
            wanted |= {"failing_since": None, "failures": 0, "paused_until": None}
        if is_active:
            wanted |= {"disabled_reason": "", "disabled_at": None}
        elif row.is_active:
            wanted |= {"disabled_at": timezone.now()}
            drop_waiting(row.pk)
        for field, value in wanted.items():
            setattr(row, field, value)
        row.save(update_fields=list(wanted))
        _record("webhook.changed", row, _differences(before, row))
    return row


def rotate_secret(public_id: UUID) -> NewSecret:
    """Give an endpoint a new secret; the one before also signs for a day. Raises NotFound."""
    secret = new_secret()
    with transaction.atomic():
        row = _locked(public_id)
        row.old_secret, row.old_secret_until = row.secret, timezone.now() + OVERLAP
        row.secret = secret
        row.save(update_fields=["secret", "old_secret", "old_secret_until"])
        _record("webhook.secret_renewed", row, {})
    return NewSecret(row, secret)


def remove_endpoint(public_id: UUID) -> None:
    """Forget an endpoint and its deliveries. Raises NotFound."""
    with transaction.atomic():
        row = _locked(public_id)
        _record("webhook.removed", row, {"url": [row.url, None]})
        row.delete()


def _locked(public_id: UUID) -> WebhookEndpoint:
    return endpoint_row(public_id, WebhookEndpoint.objects.select_for_update())


def _differences(before: dict[str, Any], row: WebhookEndpoint) -> dict[str, list[Any]]:
    pairs = {name: [value, getattr(row, name)] for name, value in before.items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _record(action: str, row: WebhookEndpoint, changes: dict[str, list[Any]]) -> None:
    audit.record(
        action,
        object_type="webhook",
        object_id=row.public_id,
        object_label=row.name,
        changes=changes,
    )


def _check_room() -> None:
    """Count under the lock of the company: two makers must not both take the last place."""
    tenant_id = current_tenant().id
    limit = limit_of(tenant_id, LIMIT)
    if limit is None:
        return
    with public_scope():
        Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant_id)
    if WebhookEndpoint.objects.count() >= limit:
        message = _("The plan includes %(limit)d webhooks. Remove one or choose a larger plan.")
        raise LimitReached("webhooks_taken", message % {"limit": limit})


@contextmanager
def _name_taken() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "messaging_webhook_name_unique" not in str(error):
            raise
        message = _("There is already a webhook with this name.")
        raise Conflict("name_taken", message, field="name") from error


def _checked_url(value: str) -> str:
    text = value.strip()
    message = _("Use an address such as https://example.com/evosense.")
    if len(text) > LONGEST_URL or "#" in text:
        raise Invalid("invalid", message, field="url")
    refuse_uncallable(text, field="url", message=message)
    return text


def _checked_types(names: Iterable[str]) -> list[str]:
    wanted, known = set(names), [one.name for one in event_types()]
    if not wanted or wanted - set(known):
        message = _("Choose at least one of the events of the list.")
        raise Invalid("event_types_invalid", message, field="event_types")
    return [name for name in known if name in wanted]
