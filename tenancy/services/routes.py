"""Webhook routes: which secret opens which connection, known before any tenant is.

Receivers keep all routes in memory and read them again on NOTIFY, so a change is effective within
moments of its commit.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import token_digest
from evosense.core.errors import NotFound
from evosense.core.ids import random_token
from evosense.core.schema import current_tenant, database_cursor, public_scope
from tenancy.models import WebhookRoute

# Evolution drops what is answered 404, so the old address must outlive a slow change-over.
OVERLAP = timedelta(days=7)


def create_route(*, route_id: UUID, instance: str) -> str:
    """Open a route for a connection of the active tenant; returns its token, readable only now."""
    token = random_token()
    tenant = current_tenant()
    with public_scope():
        WebhookRoute.objects.create(
            id=route_id, tenant_id=tenant.id, instance=instance, token_hash=token_digest(token)
        )
        _announce()
    return token


def rotate_route(*, route_id: UUID) -> str:
    """Give a route a new token; the one before stays good for seven days."""
    token = random_token()
    _change(
        route_id,
        previous_token_hash=F("token_hash"),
        previous_valid_until=timezone.now() + OVERLAP,
        token_hash=token_digest(token),
    )
    return token


def offer_token(*, route_id: UUID, in_use: bytes | None) -> str:
    """Open the route to one more token, before anybody is told to use it.

    The token in use (by its digest; None: the current one) stays good without an end: whoever fails
    to hand the new one over loses nothing. `promote_token` follows once it is known to be used.
    """
    token = random_token()
    values: dict[str, object] = {
        "previous_token_hash": token_digest(token),
        "previous_valid_until": timezone.now() + OVERLAP,
    }
    with transaction.atomic():
        current, previous = accepted_tokens(route_id=route_id, lock=True)
        if in_use is not None and in_use == previous != current:
            values["token_hash"] = in_use
        _change(route_id, **values)
    return token


def promote_token(*, route_id: UUID, digest: bytes) -> bool:
    """Make an offered token the current one; the other stays good for seven days.

    Returns False when it is not on offer (any more).
    """
    with transaction.atomic():
        current, previous = accepted_tokens(route_id=route_id, lock=True)
        if digest != previous:
            return digest == current
        _change(
            route_id,
            token_hash=digest,
            previous_token_hash=current,
            previous_valid_until=timezone.now() + OVERLAP,
        )
    return True


def accepted_tokens(*, route_id: UUID, lock: bool = False) -> tuple[bytes, bytes | None]:
    """Return the digests of the current token, and of the other one while that is good too."""
    tenant = current_tenant()
    with public_scope():
        rows = WebhookRoute.objects.filter(pk=route_id, tenant_id=tenant.id)
        route = (rows.select_for_update() if lock else rows).first()
    if route is None:
        raise NotFound("connection_not_found", _("This connection does not exist."))
    ends, previous = route.previous_valid_until, route.previous_token_hash
    is_good = previous is not None and ends is not None and ends > timezone.now()
    return bytes(route.token_hash), bytes(previous or b"") if is_good else None


def close_route(*, route_id: UUID) -> None:
    """Refuse everything that still comes for this connection."""
    _change(route_id, is_active=False)


def reopen_route(*, route_id: UUID) -> None:
    """Accept events for this connection again."""
    _change(route_id, is_active=True)


def delete_route(*, route_id: UUID) -> None:
    """Forget the route of a connection that never came to be."""
    tenant = current_tenant()
    with public_scope():
        WebhookRoute.objects.filter(pk=route_id, tenant_id=tenant.id).delete()
        _announce()


def rename_instance(*, route_id: UUID, instance: str) -> None:
    """Follow a connection to another instance name."""
    _change(route_id, instance=instance)


def _change(route_id: UUID, **values: object) -> None:
    tenant = current_tenant()
    with public_scope():
        own = WebhookRoute.objects.filter(pk=route_id, tenant_id=tenant.id)
        if not own.update(**values, updated_at=timezone.now()):
            raise NotFound("connection_not_found", _("This connection does not exist."))
        _announce()


def _announce() -> None:
    with database_cursor() as cursor:
        cursor.execute("NOTIFY webhook_routes")
