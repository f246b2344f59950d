"""Figures of sending, read from where the truth is: our rows and the server's journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did. Times in milliseconds."""

    per_second: float
    # From the commit of the intent to the committed outcome, and of that in the call.
    total: list[float]
    call: list[float]


def settled(since: int) -> Run:
    """Read what became of the intents after the row `since`."""
    from messaging.models import Outgoing, OutgoingAttempt  # noqa: PLC0415

    found = Outgoing.objects.filter(pk__gt=since)
    states = set(found.values_list("state", flat=True))
    assert states == {"sent"}, states
    times = found.values_list("created_at", "sending_at", "finished_at")
    rows = cast("list[tuple[datetime, datetime, datetime]]", list(times))
    first, last = min(row[1] for row in rows), max(row[2] for row in rows)
    calls = OutgoingAttempt.objects.filter(outgoing_id__gt=since)
    return Run(
        per_second=len(rows) / (last - first).total_seconds(),
        total=[(row[2] - row[0]).total_seconds() * 1000 for row in rows],
        call=[float(one or 0) for one in calls.values_list("milliseconds", flat=True)],
    )


def gaps_after(sends: Sequence[dict[str, Any]], at: float) -> tuple[float, float, float]:
    """Return the seconds after `at` until anybody sends, half and all instances have sent."""
    first: dict[str, float] = {}
    for send in sends:
        if send["at"] > at:
            first.setdefault(send["instance"], send["at"] - at)
    waits = sorted(first.values())
    return waits[0], quantile(waits, 0.5), waits[-1]
