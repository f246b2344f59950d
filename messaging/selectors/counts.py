"""Exact counts for operators: what is stored, and what still waits."""

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from evosense.core.backlog import unpublished_events
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from messaging.ingest.models import WebhookEvent
from messaging.ingest.receiver.spool import waiting
from messaging.models import Contact, Conversation, Identity, Message, ParkedEffect, Reaction
from messaging.selectors.outgoing import due_sends
from tenancy.selectors.tenants import ready_tenants


def stored_counts(tenant: TenantRef) -> dict[str, int]:
    """Return how much one tenant has, as its pages and the API show it."""
    with tenant_scope(tenant):
        return {
            "raw": _events(tenant.id).count(),
            "messages": Message.objects.filter(is_hidden=False).count(),
            "conversations": Conversation.objects.filter(merged_into=None).count(),
            "contacts": Contact.objects.filter(merged_into=None).count(),
            "identities": Identity.objects.count(),
            "reactions": Reaction.objects.exclude(emoji="").count(),
            "parked": ParkedEffect.objects.count(),
            "dead": dead_events(tenant),
        }


def pending_events(tenant: TenantRef | None) -> int:
    """Count events that are not applied, with the files that are still spooled on this machine.

    Whose events a file holds is not known before it is drained, so every tenant waits for it.
    """
    pending = _events(tenant.id if tenant else None).filter(status=WebhookEvent.Status.PENDING)
    with public_scope():
        return pending.count() + _spooled_files()


def dead_events(tenant: TenantRef | None) -> int:
    """Count events that were given up after their last attempt."""
    dead = _events(tenant.id if tenant else None).filter(status=WebhookEvent.Status.DEAD)
    with public_scope():
        return dead.count()


def parked_effects(tenant: TenantRef | None) -> int:
    """Count effects whose message has not come."""
    total = 0
    for each in [tenant] if tenant else ready_tenants():
        with tenant_scope(each):
            total += ParkedEffect.objects.count()
    return total


def unfinished_sends(tenant: TenantRef | None) -> int:
    """Count news that nobody was told yet, and messages that could leave now."""
    return unpublished_events(tenant) + due_sends(tenant)


def _events(tenant_id: UUID | None) -> QuerySet[WebhookEvent]:
    every = WebhookEvent.objects.all()
    return every.filter(tenant_id=tenant_id) if tenant_id else every


def _spooled_files() -> int:
    folder = settings.RECEIVER_SPOOL_DIR
    return sum(1 for _path, size in waiting(Path(folder)) if size) if folder else 0
