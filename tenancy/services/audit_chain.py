"""Proving that a trail was not tampered with, and leaving a mark of it outside the database.

A chain cannot show that its newest entries were cut off: the nightly anchor in the log can, since
whoever may write the tables cannot write the log stream of yesterday.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy.models import AuditEntry
from tenancy.services.audit import first_broken, remove_older, trail_of

# Longer than messages are kept: who did what must outlive what it was done to.
KEPT = timedelta(days=730)

logger = logging.getLogger("evosense.audit")


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`broken` is the number of the first entry that does not fit, None when all do."""

    number: int
    at: datetime | None
    hash: str
    broken: int | None


def check_chain(tenant_id: UUID) -> ChainCheck:
    """Read the whole trail once and tell how far it holds."""
    with public_scope():
        newest = trail_of(tenant_id).order_by("-number").first()
    broken = first_broken(tenant_id)
    if newest is None:
        return ChainCheck(0, None, "", broken)
    return ChainCheck(newest.number, newest.at, bytes(newest.hash).hex(), broken)


def anchor(tenant_id: UUID) -> ChainCheck:
    """Check the trail and write its newest hash to the log; a broken one is an error there."""
    found = check_chain(tenant_id)
    if found.broken is not None:
        logger.error("audit trail of %s is broken at entry %s", tenant_id, found.broken)
    elif found.number:
        logger.info("audit anchor of %s: entry %s %s", tenant_id, found.number, found.hash)
    return found


def forget_old() -> int:
    """Remove what is older than two years from every trail, one chain a transaction."""
    cut = timezone.now() - KEPT
    with public_scope():
        old = AuditEntry.objects.filter(at__lt=cut).order_by().values_list("tenant_id", flat=True)
        trails = list(old.distinct())
    return sum(remove_older(tenant_id, than=cut) for tenant_id in trails)
