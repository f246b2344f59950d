"""Support access: an operator inside one company, for a reason, for some hours, seen by its owner.

The grant row is the truth and is read on every request, so ending it ends the visit at once. The
operator gets from the public host to the company's by a code that lives 30 seconds and once: only
its hash is stored, and it opens a session of the operator who asked for it.
"""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import SYSTEM, Actor, acting
from evosense.core.crypto import token_digest
from evosense.core.errors import Conflict, Invalid, NotAllowed, NotFound
from evosense.core.ids import random_token
from evosense.core.schema import public_scope
from tenancy.models import Domain, Membership, SupportGrant, Tenant, User
from tenancy.selectors.members import workspace_url
from tenancy.services import mail, stream_doors
from tenancy.services.upkeep import note_both

SHORTEST_REASON = 10
LONGEST_HOURS = 8
CODE_SECONDS = 30
EndedBy = Literal["operator", "owner", "expiry"]


def open_grant(
    *, operator: User, tenant_id: UUID, reason: str, hours: int, may_write: bool
) -> SupportGrant:
    """Let an operator into a company; its owners are told by letter."""
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= 300:
        raise Invalid("reason_invalid", _("Give a reason of 10 to 300 characters."), field="reason")
    if not 1 <= hours <= LONGEST_HOURS:
        raise Invalid("hours_invalid", _("Choose 1 to 8 hours."), field="hours")
    if not (operator.is_staff and operator.is_active):
        raise NotAllowed("not_operator", _("Only operators give support."))
    with public_scope(), transaction.atomic():
        tenant = _ready(tenant_id)
        _close_expired(tenant_id)
        grant = _store(tenant, operator, reason, hours, may_write=may_write)
        stream_doors.let_in(tenant_id, operator.pk)
        _note("support.opened", grant, until=grant.expires_at.isoformat(), may_write=may_write)
        for owner in _owners(tenant_id):
            mail.post(
                "support_opened",
                to=owner.email,
                object_id=grant.pk,
                tenant_id=tenant_id,
                locale=owner.locale,
            )
    return grant


def end_grant(grant_id: UUID, *, by: EndedBy, tenant_id: UUID | None = None) -> bool:
    """End a grant; False when it had ended. `tenant_id` keeps owners to their own company's."""
    with public_scope(), transaction.atomic():
        rows = SupportGrant.objects.filter(pk=grant_id)
        grant = (rows.filter(tenant_id=tenant_id) if tenant_id else rows).first()
        if grant is None:
            raise NotFound("grant_not_found", _("There is no such support access."))
        ended = SupportGrant.objects.filter(pk=grant_id, state=SupportGrant.State.OPEN).update(
            state=SupportGrant.State.ENDED,
            ended_at=timezone.now(),
            ended_by=by,
            code_digest=None,
            code_expires_at=None,
        )
        if ended:
            _note("support.ended", grant, ended_by=by)
            stream_doors.show_out(grant.tenant_id, grant.operator_id)
    return bool(ended)


def new_code(grant_id: UUID, *, operator: User) -> str:
    """Return the address that takes this operator into the company, once, within 30 seconds."""
    code = random_token()
    now = timezone.now()
    with public_scope():
        own = SupportGrant.objects.filter(
            pk=grant_id,
            operator_id=operator.pk,
            state=SupportGrant.State.OPEN,
            expires_at__gt=now,
        )
        given = own.update(
            code_digest=token_digest(code), code_expires_at=now + timedelta(seconds=CODE_SECONDS)
        )
        if not given:
            raise Conflict("grant_closed", _("This access is not open, or is another operator's."))
        domain = Domain.objects.filter(
            tenant__support_grants=grant_id, is_primary=True
        ).values_list("domain", flat=True)
        return f"{workspace_url(domain[0])}suporte/entrar/?codigo={code}"


def redeem(code: str, *, tenant_id: UUID) -> tuple[SupportGrant, User]:
    """Use a code up on the host of its company; raises NotFound for any that is not good now."""
    refused = NotFound("code_invalid", _("This code is used or too old. Ask for a new one."))
    now = timezone.now()
    with public_scope():
        good = SupportGrant.objects.filter(
            code_digest=token_digest(code),
            code_expires_at__gt=now,
            tenant_id=tenant_id,
            state=SupportGrant.State.OPEN,
            expires_at__gt=now,
        )
        grant = good.first()
        # The update is the use: of two who bring the code at once, one changes the row.
        if grant is None or not good.update(code_digest=None, code_expires_at=None):
            raise refused
        operator = User.objects.filter(pk=grant.operator_id, is_staff=True, is_active=True).first()
    if operator is None:
        raise refused
    with acting(actor_for(operator)), transaction.atomic():
        _note("support.entered", grant)
    return grant, operator


def live_grant(grant_id: str, *, tenant_id: UUID, operator_id: int) -> SupportGrant | None:
    """Return the grant while it opens this company for this operator."""
    with public_scope():
        grant = SupportGrant.objects.filter(
            pk=grant_id, tenant_id=tenant_id, operator_id=operator_id, state=SupportGrant.State.OPEN
        ).first()
    if grant and grant.expires_at <= timezone.now():
        end_grant(grant.pk, by="expiry")
        return None
    return grant


def reading_grant(tenant_id: UUID, *, operator_id: int) -> SupportGrant | None:
    """Return the operator's open grant that shows whole numbers and texts, if there is one."""
    with public_scope():
        return SupportGrant.objects.filter(
            tenant_id=tenant_id,
            operator_id=operator_id,
            may_write=True,
            state=SupportGrant.State.OPEN,
            expires_at__gt=timezone.now(),
        ).first()


def note_read(tenant_id: UUID, *, what: str) -> None:
    """Write down that an operator read what a company received."""
    with public_scope(), transaction.atomic():
        tenant = Tenant.objects.get(pk=tenant_id)
        note_both("support.read", tenant, object_type="event", object_label=what)


def end_expired() -> int:
    """End grants whose time is over; for the periodic task."""
    with public_scope():
        over = SupportGrant.objects.filter(
            state=SupportGrant.State.OPEN, expires_at__lte=timezone.now()
        ).values_list("pk", flat=True)
        grants = list(over)
    with acting(SYSTEM):
        return sum(end_grant(grant_id, by="expiry") for grant_id in grants)


def actor_for(operator: User, *, address: str = "", request_id: str = "") -> Actor:
    """Return how the audit names an operator inside a company."""
    return Actor(
        kind="support",
        id=str(operator.pk),
        label=operator.email,
        address=address,
        request_id=request_id,
    )


def _ready(tenant_id: UUID) -> Tenant:
    tenant: Tenant | None = Tenant.objects.filter(pk=tenant_id).first()
    if tenant is None or tenant.state != Tenant.State.READY:
        raise Conflict("tenant_not_ready", _("This company has no pages to look at now."))
    return tenant


def _store(
    tenant: Tenant, operator: User, reason: str, hours: int, *, may_write: bool
) -> SupportGrant:
    try:
        with transaction.atomic():
            return SupportGrant.objects.create(
                tenant=tenant,
                operator_id=operator.pk,
                reason=reason,
                may_write=may_write,
                expires_at=timezone.now() + timedelta(hours=hours),
            )
    except IntegrityError as error:
        if "tenancy_grant_one_open" not in str(error):
            raise
        message = _("You have an open access to this company already.")
        raise Conflict("grant_open", message) from error


def _close_expired(tenant_id: UUID) -> None:
    over = SupportGrant.objects.filter(
        tenant_id=tenant_id, state=SupportGrant.State.OPEN, expires_at__lte=timezone.now()
    )
    for grant_id in list(over.values_list("pk", flat=True)):
        end_grant(grant_id, by="expiry")


def _owners(tenant_id: UUID) -> list[User]:
    return list(
        User.objects.filter(
            memberships__tenant_id=tenant_id,
            memberships__role=Membership.Role.OWNER,
            memberships__is_active=True,
            is_active=True,
        )
    )


def _note(action: str, grant: SupportGrant, **facts: Any) -> None:
    note_both(
        action,
        grant.tenant,
        changes={name: ["", value] for name, value in facts.items()},
        object_type="support",
        object_id=grant.pk,
        object_label=grant.reason[:254],
    )
