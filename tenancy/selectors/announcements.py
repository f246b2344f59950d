"""What the house has to tell a company now, and to whom of its people it was news."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy.models import Announcement, AnnouncementSeen

# What a process remembers; pages must not ask the database for news at every step.
KEPT_SECONDS = 20.0
MOST = 3
_known: tuple[float, list["Notice"]] = (0.0, [])


@dataclass(frozen=True, slots=True)
class Notice:
    """One announcement; `tenant_ids` empty means everybody."""

    id: UUID
    title: str
    text: str
    url: str
    level: str
    starts_at: datetime
    ends_at: datetime | None
    tenant_ids: frozenset[UUID]

    @property
    def tone(self) -> str:
        return {"warning": "warn", "danger": "bad"}.get(self.level, "")

    def is_for(self, tenant_id: UUID, now: datetime) -> bool:
        in_time = self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
        return in_time and (not self.tenant_ids or tenant_id in self.tenant_ids)


def notices_for(*, tenant_id: UUID, user_id: int) -> list[Notice]:
    """Return what this person has not closed yet, the gravest first; no query for none."""
    now = timezone.now()
    meant = [notice for notice in _current() if notice.is_for(tenant_id, now)]
    if not meant:
        return []
    with public_scope():
        seen = set(
            AnnouncementSeen.objects.filter(
                user_id=user_id, announcement_id__in=[notice.id for notice in meant]
            ).values_list("announcement_id", flat=True)
        )
    order = {"danger": 0, "warning": 1, "info": 2}
    left = [notice for notice in meant if notice.id not in seen]
    return sorted(left, key=lambda notice: order.get(notice.level, 3))[:MOST]


def forget_announcements() -> None:
    """Have this process read the announcements anew; others do within some seconds."""
    global _known  # noqa: PLW0603  (the memory of one process)
    _known = (0.0, [])


def _current() -> list[Notice]:
    global _known  # noqa: PLW0603
    until, known = _known
    if until > time.monotonic():
        return known
    with public_scope():
        rows = Announcement.objects.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()))
        known = [_notice(row) for row in rows.prefetch_related("tenants").order_by("-starts_at")]
    _known = (time.monotonic() + KEPT_SECONDS, known)
    return known


def _notice(row: Announcement) -> Notice:
    return Notice(
        id=row.pk,
        title=row.title,
        text=row.text,
        url=row.url,
        level=row.level,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        tenant_ids=frozenset(tenant.pk for tenant in row.tenants.all()),
    )
