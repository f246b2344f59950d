"""Letters about a company as a whole: its archives, its deletion."""

from typing import Any
from uuid import UUID

from tenancy.models import Mail, TenantArchive
from tenancy.services import archives, life, links
from tenancy.services.mail import register_mail


def register_life_letters() -> None:
    """Announce the letters of this module."""
    register_mail(archives.MAIL_READY, archive_ready)
    register_mail(life.MAIL_ASKED, deletion_asked)


def archive_ready(mail: Mail) -> dict[str, Any] | None:
    """`object_id` is the archive; nothing to say when it is gone again."""
    ready = TenantArchive.State.READY
    archive = TenantArchive.objects.filter(pk=UUID(mail.object_id), state=ready).first()
    if archive is None or mail.tenant is None or archive.tenant_id != mail.tenant_id:
        return None
    return {
        "company": mail.tenant.name,
        "expires_at": archive.expires_at,
        "url": links.tenant_url(archive.tenant_id, "settings:data"),
    }


def deletion_asked(mail: Mail) -> dict[str, Any] | None:
    """Nothing to say when it was called off or is over."""
    if mail.tenant is None or mail.tenant.delete_after is None:
        return None
    return {
        "company": mail.tenant.name,
        "delete_after": mail.tenant.delete_after,
        "url": links.tenant_url(mail.tenant.pk, "settings:data"),
    }
