"""When people may be logged in: weekly windows on the wall clock of the company.

A week has seven days, Monday first; a day is a list of `[start, end]` as "HH:MM". A window whose
end is not after its start goes on until that time on the next day. The start minute belongs to the
window, the end minute does not. None is always.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

Week = Sequence[Sequence[Sequence[str]]]

# A window may fall into the gap of a clock change, and then opens a week later.
_DAYS_AHEAD = 15


def is_open(week: Week | None, moment: datetime, zone: ZoneInfo) -> bool:
    """Tell whether `moment` lies in a window."""
    if week is None:
        return True
    local = moment.astimezone(zone)
    today, clock = local.weekday(), local.time()
    return any(
        start <= clock and (clock < end or end <= start) for start, end in _windows(week, today)
    ) or any(end <= start and clock < end for start, end in _windows(week, (today - 1) % 7))


def next_opening(week: Week | None, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first moment after `moment` at which a window opens; None when none does."""
    if week is None:
        return None
    for candidate in sorted(set(_candidates(week, moment, zone))):
        if candidate > moment and is_open(week, candidate, zone):
            return candidate
    return None


def _candidates(week: Week, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the starts of windows and every minute around a change of the clocks."""
    first = moment.astimezone(zone).date()
    for offset in range(_DAYS_AHEAD):
        day = first + timedelta(days=offset)
        for start, _end in _windows(week, day.weekday()):
            for fold in (0, 1):
                local = datetime.combine(day, start, tzinfo=zone).replace(fold=fold)
                yield local.astimezone(UTC)
    yield from _around_clock_changes(moment, zone)


def _around_clock_changes(moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _step in range(_DAYS_AHEAD * 24):
        after = hour + timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield from (hour + timedelta(minutes=minute) for minute in range(61))
        hour = after


def _windows(week: Week, weekday: int) -> Iterator[tuple[time, time]]:
    for start, end in week[weekday]:
        yield _clock(start), _clock(end)


def _clock(text: str) -> time:
    # Midnight at the end of a day is written either way.
    return time(0, 0) if text == "24:00" else time.fromisoformat(text)
