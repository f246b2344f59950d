"""Names of companies that are gone: kept, so that nobody else ever gets them."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope
from tenancy.models import RetiredName
from tenancy.services import slugs


def host_of(slug: str) -> str:
    """Return the host name under which a tenant's pages and API answer."""
    return f"{slug}.{settings.PUBLIC_HOST}"


def check_return(slug: str, *, tenant_id: UUID) -> None:
    """Refuse an address as for anybody, but let a company come back to its own."""
    with public_scope():
        own = RetiredName.objects.filter(name=slug, tenant_id=tenant_id).exists()
    if not own:
        slugs.check(slug)


def refuse(given: Iterable[str], *, except_of: UUID | None = None) -> None:
    """Refuse names that a deleted company had.

    Call it after the row is stored, in the same transaction: the company that has the name may be
    deleted between an earlier look and our insert, which waits for it.
    """
    with public_scope():
        retired = RetiredName.objects.filter(name__in=list(given))
        if except_of is not None:
            retired = retired.exclude(tenant_id=except_of)
        if retired.exists():
            raise taken()


def retire(given: Iterable[str], *, tenant_id: UUID) -> None:
    """Keep names of a deleted company from being given out again."""
    rows = [RetiredName(name=name, tenant_id=tenant_id) for name in given]
    with public_scope():
        RetiredName.objects.bulk_create(rows, ignore_conflicts=True)


def taken() -> Conflict:
    return Conflict("slug_taken", _("This address is taken."), field="slug")


def as_refusal(error: IntegrityError) -> Exception:
    """Return what to raise when a company could not be stored: a taken name, or the error."""
    return taken() if "slug" in str(error) or "domain" in str(error) else error
