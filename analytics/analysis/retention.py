"""How long single judgements and calls are kept, with what they say of customers.

A message keeps its values, and a run everything that it compared: a report must be computable.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from analytics.models import Inference, ModelCall

AT_ONCE = 2_000
# Of one turn; the rest goes tomorrow.
MOST = 500_000
# Calls that belong to no run: production's, tests of connections, the playground's.
_OF_NO_RUN = ("", "preview")


def forget_judgements() -> int:
    """Delete old judgements outside of runs; returns how many."""
    return _forget(Inference.objects.filter(run_id="", created_at__lt=_limit()))


def forget_calls() -> int:
    """Delete old calls outside of runs; returns how many."""
    return _forget(ModelCall.objects.filter(run_id__in=_OF_NO_RUN, created_at__lt=_limit()))


def _limit() -> datetime:
    return timezone.now() - timedelta(days=settings.ANALYSIS_RETENTION_DAYS)


def _forget(rows: "QuerySet[Any]") -> int:
    """Delete in pieces, the oldest first, so that no lock is held for long."""
    total = 0
    while total < MOST:
        keys = list(rows.order_by("created_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
        if not keys:
            break
        total += rows.model.objects.filter(pk__in=keys).delete()[0]
    return total
