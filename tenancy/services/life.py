"""A company's life after its birth: suspended, resumed, its deletion asked for or called off.

Restricted means: no page but the one that says why, no API, no tasks, no streams; what comes in is
still stored, and the owner can still pay, export and delete. Deleting itself: `deletion`.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import after_commit, public_scope, tenant_scope
from tenancy.models import Membership, Tenant
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import archives, mail, stream_doors
from tenancy.services.upkeep import note_both

GRACE_DAYS = 14
LONGEST_GRACE = 90
MAIL_ASKED = "deletion_asked"
# A trial that ended is told to open pages by the next sweep; sweeps may be late.
_SWEPT = timedelta(minutes=10)
Cause = Literal["operator", "payment", "deletion"]


def suspend(tenant_id: UUID, *, reason: str, cause: Cause = "operator") -> None:
    """Stop a company's work; `reason` is shown to its people."""
    reason = " ".join(reason.split())
    if not 3 <= len(reason) <= 200:
        raise Invalid("reason_invalid", _("Give a reason of 3 to 200 characters."), field="reason")
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.status == Tenant.Status.SUSPENDED:
            raise Conflict("tenant_suspended", _("This company is suspended already."))
        _suspend(tenant, reason, cause)
        note_both("tenant.suspended", tenant, changes={"reason": ["", reason]})


def resume(tenant_id: UUID) -> None:
    """Let a suspended company work again, with the plan or trial that it had."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.status != Tenant.Status.SUSPENDED:
            raise Conflict("tenant_not_suspended", _("This company is not suspended."))
        if tenant.delete_after is not None:
            message = _("Its deletion was asked for. Call that off first.")
            raise Conflict("deletion_pending", message)
        _resume(tenant)
        note_both("tenant.resumed", tenant)


def ask_deletion(
    tenant_id: UUID,
    *,
    retyped: str,
    asked_by: str = "",
    grace_days: int = GRACE_DAYS,
    archive_passphrase: str = "",
) -> datetime:
    """Have a company deleted after its grace; it stops working at once. Returns when.

    With `archive_passphrase` a last archive is made, which the owner can fetch until then.
    """
    if not 0 <= grace_days <= LONGEST_GRACE:
        raise Invalid("grace_invalid", _("Choose 0 to 90 days."), field="grace_days")
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if retyped.strip().lower() != tenant.slug:
            message = _("Type the address of the company exactly: %(slug)s.") % {
                "slug": tenant.slug
            }
            raise Invalid("slug_differs", message, field="slug")
        _check_deletable(tenant)
        when = timezone.now() + timedelta(days=grace_days)
        Tenant.objects.filter(pk=tenant.pk).update(delete_after=when)
        if tenant.status != Tenant.Status.SUSPENDED:
            _suspend(tenant, str(_("Deletion asked for by the company")), "deletion")
        note_both("tenant.deletion_asked", tenant, changes={"delete_after": ["", when.isoformat()]})
        for owner in _owners(tenant_id):
            mail.post(MAIL_ASKED, to=owner.user.email, object_id=tenant_id, tenant_id=tenant_id)
        if archive_passphrase:
            with tenant_scope(tenant.ref):
                archives.request(
                    passphrase=archive_passphrase, asked_by=asked_by, reason=archives.FINAL
                )
    return when


def cancel_deletion(tenant_id: UUID) -> None:
    """Keep the company after all; possible until the deletion has begun."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        if tenant.delete_after is None or tenant.state == Tenant.State.DELETING:
            raise Conflict("deletion_not_pending", _("There is no deletion to call off."))
        before = tenant.delete_after.isoformat()
        Tenant.objects.filter(pk=tenant.pk).update(delete_after=None)
        if tenant.suspend_cause == "deletion":
            _resume(tenant)
        note_both("tenant.deletion_cancelled", tenant, changes={"delete_after": [before, ""]})


def end_grace(tenant_id: UUID) -> None:
    """Let a deletion that was asked for be carried out at once."""
    with public_scope(), transaction.atomic():
        tenant = _locked(tenant_id)
        now = timezone.now()
        if tenant.delete_after is not None and tenant.delete_after > now:
            Tenant.objects.filter(pk=tenant.pk).update(delete_after=now)
            note_both("tenant.grace_ended", tenant)


def end_trials() -> int:
    """Close the open pages of companies whose trial has just ended; returns how many."""
    now = timezone.now()
    with public_scope():
        ended = Tenant.objects.filter(
            status=Tenant.Status.TRIAL, trial_ends_at__range=(now - _SWEPT, now)
        )
        ids = list(ended.values_list("pk", flat=True))
    for tenant_id in ids:
        stream_doors.close(tenant_id)
    return len(ids)


def _suspend(tenant: Tenant, reason: str, cause: Cause) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(
        status=Tenant.Status.SUSPENDED,
        status_before=tenant.status,
        suspended_at=timezone.now(),
        suspend_reason=reason,
        suspend_cause=cause,
    )
    after_commit(forget_hosts)
    stream_doors.close(tenant.pk)


def _resume(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(
        status=tenant.status_before or Tenant.Status.ACTIVE,
        status_before="",
        suspended_at=None,
        suspend_reason="",
        suspend_cause="",
    )
    after_commit(forget_hosts)
    stream_doors.reopen(tenant.pk)


def _check_deletable(tenant: Tenant) -> None:
    if tenant.state == Tenant.State.DELETING or tenant.delete_after is not None:
        raise Conflict("deletion_pending", _("The deletion of this company was asked for already."))


def _owners(tenant_id: UUID) -> list[Membership]:
    owners = Membership.objects.select_related("user").filter(
        tenant_id=tenant_id, role=Membership.Role.OWNER, is_active=True, user__is_active=True
    )
    return list(owners)


def _locked(tenant_id: UUID) -> Tenant:
    tenant: Tenant | None = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound("tenant_not_found", _("This company is gone."))
    return tenant
