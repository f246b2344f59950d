"""Webhook routes: which secret opens which connection, known before any tenant is.

Receivers keep all routes in memory and read them again on NOTIFY, so a change is effective within
moments of its commit.
"""

from datetime import timedelta
from uuid import UUID

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


def close_route(*, route_id: UUID) -> None:
    """Refuse everything that still comes for this connection."""
    _change(route_id, is_active=False)


def reopen_route(*, route_id: UUID) -> None:
    """Accept events for this connection again."""
    _change(route_id, is_active=True)


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
