"""Telling people of a company that its own provider refuses or is silent; once at a time.

Of the house's providers the operator hears: nobody at a company could do anything about them.
"""

from django.utils import timezone

from analytics.models import AiNotice
from analytics.providers.failures import FINAL
from analytics.providers.refs import ProviderRef
from evosense.core.schema import active_tenant

_KINDS = (AiNotice.Kind.PROVIDER_DOWN, AiNotice.Kind.PROVIDER_REFUSED)


def open_notice(ref: ProviderRef, code: str) -> None:
    """Say that the provider stopped answering; a notice that is open stays as it is."""
    if not _is_told(ref):
        return
    kind = AiNotice.Kind.PROVIDER_REFUSED if code in FINAL else AiNotice.Kind.PROVIDER_DOWN
    notice = AiNotice(kind=kind, subject=str(ref.id), detail={"name": ref.name, "code": code})
    AiNotice.objects.bulk_create([notice], ignore_conflicts=True)


def close_notices(ref: ProviderRef) -> None:
    """Take back what was said about the provider."""
    if _is_told(ref):
        rows = AiNotice.objects.filter(subject=str(ref.id), kind__in=_KINDS, closed_at=None)
        rows.update(closed_at=timezone.now())


def _is_told(ref: ProviderRef) -> bool:
    tenant = active_tenant()
    return tenant is not None and tenant.id == ref.tenant_id
