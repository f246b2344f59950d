"""Rows of providers and their keys, read in the scope of whoever owns them.

Keys are encrypted for their owner: a company's inside its scope, the house's outside all. Whatever
reads a row of the house for a company therefore leaves the key out, and `key_of` fetches it.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from analytics.providers.models import Provider
from evosense.core.errors import NotFound
from evosense.core.schema import active_tenant, public_scope


def provider_rows() -> QuerySet[Provider]:
    """Return the providers that may be used here, without keys, which may not be readable here."""
    rows = Provider.objects.defer("api_key")
    tenant = active_tenant()
    # Row-level security says the same; it does not bind whoever connects as a superuser.
    return rows.filter(Q(tenant_id=tenant.id) | Q(tenant_id=None)) if tenant else rows


def provider_row(provider_id: UUID) -> Provider:
    """Return a provider that may be used here, without its key; raises NotFound."""
    row = provider_rows().filter(pk=provider_id).first()
    if row is None:
        raise no_such_provider()
    return row


def own_row(provider_id: UUID) -> Provider:
    """Return a provider that may be changed here; the house's only where no company is active."""
    tenant = active_tenant()
    own = Q(tenant_id=tenant.id) if tenant else Q(tenant_id=None)
    row = provider_rows().filter(own, pk=provider_id).first()
    if row is None:
        raise no_such_provider()
    return row


def scope_of(provider: Provider) -> AbstractContextManager[Any]:
    """Return the scope in which the row may be written and its key be read."""
    return public_scope() if provider.tenant_id is None else nullcontext()


def key_of(provider: Provider) -> str | None:
    """Return the provider's key, whoever owns it; None when it has none."""
    with scope_of(provider):
        row = Provider.objects.only("api_key").filter(pk=provider.pk).first()
    return row.api_key if row is not None else None


def no_such_provider() -> NotFound:
    """Return the refusal for a provider that is not there, or not theirs."""
    return NotFound("not_found", _("There is no such provider."))
