"""The demonstration's drift: what its history holds is judged, then read day by day as it is usual.

The simulator's customers became ever more furious before the installation, so that the readings go
from steady to moved.
"""

import time
from datetime import date, datetime, timedelta

from django.utils import timezone

from analytics.analysis import worker
from analytics.analysis.enqueue import note_messages
from analytics.experiments import drift
from analytics.models import AnalysisJob, DriftReading, EmbeddingJob
from analytics.search.filling import fill_queued
from messaging.selectors.samples import drawable_messages

DAYS = 28
PATIENCE_SECONDS = 600
# What the reading of a day looks back at.
_REACH = timedelta(days=drift.WEEK + drift.REFERENCE_DAYS)
_BATCH = 1_000


def ensure() -> int:
    """Read each of the last days that has no reading; returns how many readings were made.

    Nothing is read while messages wait for a judgement: the next start goes on.
    """
    today = timezone.localdate()
    days = [today - timedelta(days=back) for back in range(DAYS, 0, -1)]
    missing = _missing(days)
    if not missing or not _judge(_start(missing[0]) - _REACH, _start(today)):
        return 0
    return sum(len(drift.watch(day)) for day in missing)


def _missing(days: list[date]) -> list[date]:
    read = DriftReading.objects.filter(day__in=days).exclude(state=DriftReading.State.TOO_FEW)
    known = set(read.values_list("day", flat=True))
    return [day for day in days if day not in known]


def _judge(since: datetime, until: datetime) -> bool:
    """Judge and place all texts of the period beside the house's workers; False when it is long."""
    pks = [one.message_id for one in drawable_messages(since, until)]
    for start in range(0, len(pks), _BATCH):
        note_messages(pks[start : start + _BATCH])
    end = time.monotonic() + PATIENCE_SECONDS
    while _waits(since, until) and time.monotonic() < end:
        # What others hold ends by itself.
        if not worker.work_off() and not fill_queued():
            time.sleep(0.2)
    return not _waits(since, until)


def _waits(since: datetime, until: datetime) -> bool:
    judged = AnalysisJob.objects.filter(occurred_at__gte=since, occurred_at__lt=until)
    placed = EmbeddingJob.objects.filter(
        message__occurred_at__gte=since, message__occurred_at__lt=until
    )
    return judged.exists() or placed.exists()


def _start(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), timezone.get_current_timezone())
