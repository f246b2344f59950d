"""Operators putting events of any company back into the queue, counted and written down."""

from collections import Counter
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import public_scope
from messaging.selectors.house_events import EventFilter, replayable
from messaging.services.replay import requeue
from tenancy.models import Tenant
from tenancy.services.upkeep import note_both

# Rows of one transaction; the next ones follow in transactions of their own.
BATCH = 2_000
MOST = 200_000


def replay_matching(wanted: EventFilter, *, expected: int) -> int:
    """Replay every event of a filter; refused when it grew since it was counted."""
    with public_scope():
        rows = replayable(wanted)
        if rows.count() > expected:
            message = _("There are more events now than you confirmed. Look again.")
            raise Conflict("count_changed", message)
        done, last = 0, 0
        while done < MOST:
            batch = list(
                rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]
            )
            if not batch:
                break
            done, last = done + replay_ids(batch), batch[-1]
    return done


def replay_ids(ids: list[int]) -> int:
    """Replay those of these events that are kept or dead; returns how many."""
    with public_scope(), transaction.atomic():
        rows = replayable(EventFilter()).filter(pk__in=ids)
        per_tenant = Counter(rows.select_for_update().values_list("tenant_id", flat=True))
        moved = requeue(rows)
        _note(per_tenant)
    return moved


def _note(per_tenant: Counter[UUID]) -> None:
    tenants = Tenant.objects.in_bulk(list(per_tenant))
    for tenant_id, number in sorted(per_tenant.items()):
        tenant = tenants.get(tenant_id)
        if tenant is not None:
            note_both("events.replayed", tenant, changes={"events": [0, number]})
