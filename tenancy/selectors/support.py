"""Support accesses as the company sees them: who came, why, for how long, what they did."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy.models import AuditEntry, SupportGrant, User

MOST = 100


@dataclass(frozen=True, slots=True)
class Access:
    id: UUID
    operator: str
    email: str
    reason: str
    may_write: bool
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str
    is_open: bool
    acts: int


def support_accesses(tenant_id: UUID) -> list[Access]:
    """Return accesses, the newest first; three queries whatever their number."""
    now = timezone.now()
    with public_scope():
        grants = list(
            SupportGrant.objects.filter(tenant_id=tenant_id).order_by("-created_at")[:MOST]
        )
        operators = {grant.operator_id for grant in grants}
        people = {user.pk: user for user in User.objects.filter(pk__in=operators)}
        counts = dict(
            AuditEntry.objects.filter(
                tenant_id=tenant_id,
                actor_kind=AuditEntry.ActorKind.SUPPORT,
                actor_id__in=[str(pk) for pk in operators],
            )
            .values_list("actor_id")
            .annotate(n=Count("pk"))
        )
    return [_access(grant, people.get(grant.operator_id), counts, now) for grant in grants]


def _access(
    grant: SupportGrant, operator: User | None, counts: dict[str, int], now: datetime
) -> Access:
    return Access(
        id=grant.pk,
        operator=str(operator) if operator else "",
        email=operator.email if operator else "",
        reason=grant.reason,
        may_write=grant.may_write,
        created_at=grant.created_at,
        expires_at=grant.expires_at,
        ended_at=grant.ended_at,
        ended_by=grant.ended_by,
        is_open=grant.state == SupportGrant.State.OPEN and grant.expires_at > now,
        acts=counts.get(str(grant.operator_id), 0),
    )
