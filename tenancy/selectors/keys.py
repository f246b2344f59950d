"""The API keys of a company as its settings show them; never anything of their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy.models import ApiKey, Membership, User

# A key of which somebody should think before it stops.
SOON = timedelta(days=14)
MOST = 200


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: int
    name: str
    hint: str
    scopes: Sequence[str]
    maker: str
    is_service: bool
    networks: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    # active, soon, expired, revoked or orphaned (its maker is gone)
    state: str

    @property
    def is_living(self) -> bool:
        return self.state in {"active", "soon"}


def key_rows(tenant_id: UUID) -> list[KeyRow]:
    """Return keys, living ones first, then the newest; three queries whatever their number."""
    with public_scope():
        keys = list(ApiKey.objects.filter(tenant_id=tenant_id).order_by("-pk")[:MOST])
        makers = {key.created_by_id for key in keys if key.created_by_id}
        names = {user.pk: str(user) for user in User.objects.filter(pk__in=makers)}
        active = set(
            Membership.objects.filter(
                tenant_id=tenant_id, user_id__in=makers, is_active=True, user__is_active=True
            ).values_list("user_id", flat=True)
        )
    rows = [_row(key, names, active) for key in keys]
    return sorted(rows, key=lambda row: not row.is_living)


def _row(key: ApiKey, names: dict[int, str], active: set[int]) -> KeyRow:
    return KeyRow(
        id=key.pk,
        name=key.name,
        hint=f"evs_live_{key.public_part}…{key.last_four}",
        scopes=key.scopes,
        maker=names.get(key.created_by_id or 0, ""),
        is_service=key.is_service or key.created_by_id is None,
        networks=key.allowed_networks,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        state=_state(key, active),
    )


def _state(key: ApiKey, active: set[int]) -> str:
    now = timezone.now()
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= now:
        return "expired"
    if not key.is_service and key.created_by_id and key.created_by_id not in active:
        return "orphaned"
    return "soon" if key.expires_at and key.expires_at <= now + SOON else "active"
