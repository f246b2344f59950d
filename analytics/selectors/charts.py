"""Geometry and words of the overview's charts; pure functions over a ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from analytics.selectors.volume import Ledger, days_up_to
from evosense.core.charts import Bar, bars, nice_top
from evosense.core.wording import number_words

TICKS = 4
# Below this many messages a percentage says more than is known.
SMALL = 20
MOST_LABELS = 8
OFFICE_HOURS = (8, 18)


@dataclass(frozen=True)
class Row:
    """One line of the table behind a chart."""

    label: str
    now: float | None
    before: float | None
    decimals: int = 0


@dataclass(frozen=True)
class Chart:
    title: str
    note: str
    bars: list[Bar]
    before_path: str
    ticks: list[str]
    rows: list[Row]
    is_empty: bool
    # Bars before this index belong to what was before the period.
    highlighted: int = 0

    @property
    def x_labels(self) -> list[str]:
        """One label a bar, most of them empty, so that none runs into the next."""
        step = -(-len(self.rows) // MOST_LABELS) or 1
        return [row.label if index % step == 0 else "" for index, row in enumerate(self.rows)]


def hour_chart(
    ledger: Ledger, *, days: int, shift: int, totals: tuple[int | None, int | None]
) -> Chart:
    """Compare the hours of the period with those of the one before it.

    `totals` are the sums of both, as the number cards show them, for the title.
    """
    last_before = days_up_to(ledger.today, shift + 1)[0]
    now = ledger.usual_day("inbound", last=ledger.today, count=days)
    before = ledger.usual_day("inbound", last=last_before, count=days)
    start, stop = _shown_hours(now, before)
    now, before = now[start:stop], before[start:stop]
    labels = [_("%(hour)d h") % {"hour": hour} for hour in range(start, stop)]
    note = (
        _("Received per hour, today and on the same weekday last week")
        if days == 1
        else _("Received per hour, mean of a day; dashed: the %(n)d days before") % {"n": days}
    )
    return _chart(_hour_title(days, totals), note, labels, (now, before), 0 if days == 1 else 1)


def day_chart(ledger: Ledger, *, days: int, count: int = 30) -> Chart:
    """Show the last `count` days, those of the chosen period highlighted."""
    shown = days_up_to(ledger.today, count)
    values = ledger.days("inbound", last=ledger.today, count=count)
    labels = [date_format(day, _("d/m")) for day in shown]
    chart = _chart(
        _busiest(shown, values),
        _("Received per day, last %(n)d days") % {"n": count},
        labels,
        (values, [None] * count),
        0,
    )
    return replace(chart, highlighted=count - days)


def change_words(now: int | None, before: int | None) -> tuple[str, str]:
    """Return the change as ("18%", "up"), or empty words where it would mislead."""
    if now is None or before is None or before < SMALL:
        return "", ""
    percent = round(100 * (now - before) / before)
    if percent == 0:
        return "", ""
    return f"{number_words(abs(percent))}%", "up" if percent > 0 else "down"


def centred_path(values: Sequence[float | None], top: float) -> str:
    """Return a line through the middles of the bars' slots; a gap lifts the pen."""
    step = 100 / len(values) if values else 0
    path, pen_down = "", False
    for index, value in enumerate(values):
        if value is not None:
            x, y = step * (index + 0.5), 100 - 100 * min(value, top) / top
            path += f"{'L' if pen_down else 'M'}{x:.2f} {y:.2f}"
        pen_down = value is not None
    return path


def _chart(
    title: str,
    note: str,
    labels: list[str],
    series: tuple[Sequence[float | None], Sequence[float | None]],
    decimals: int,
) -> Chart:
    now, before = series
    known = [value for value in (*now, *before) if value is not None]
    top = nice_top(known) if decimals else _whole_top(known)
    return Chart(
        title=title,
        note=note,
        bars=bars(now, labels=labels, top=top, fill=0.62),
        before_path=centred_path(before, top),
        ticks=[
            number_format(_tick(top, step), force_grouping=True) for step in range(TICKS, -1, -1)
        ],
        rows=[
            Row(label, _rounded(one, decimals), _rounded(other, decimals), decimals)
            for label, one, other in zip(labels, now, before, strict=True)
        ],
        is_empty=not any(known),
    )


def _whole_top(values: Sequence[float]) -> int:
    """Return a top whose every tick is a whole number; there is no quarter of a message."""
    step = -(-int(max(values, default=0)) // TICKS) or 1
    round_to: int = 10 ** max(0, len(str(step)) - 1)
    return TICKS * (-(-step // round_to) * round_to)


def _tick(top: float, step: int) -> float | int:
    value = top * step / TICKS
    return int(value) if value == int(value) else value


def _hour_title(days: int, totals: tuple[int | None, int | None]) -> str:
    percent, direction = change_words(*totals)
    if not direction:
        return _("Messages received, hour by hour")
    words = {"percent": percent, "days": days}
    if days == 1 and direction == "up":
        return _("%(percent)s more messages than on the same weekday last week") % words
    if days == 1:
        return _("%(percent)s fewer messages than on the same weekday last week") % words
    if direction == "up":
        return _("%(percent)s more messages than in the %(days)d days before") % words
    return _("%(percent)s fewer messages than in the %(days)d days before") % words


def _busiest(days: Sequence[date], values: Sequence[int | None]) -> str:
    known = [(value, day) for value, day in zip(values, days, strict=True) if value]
    if len(known) < 2:
        return _("Messages received, day by day")
    value, day = max(known)
    words = {"day": date_format(day, _("l, d/m")).lower(), "count": number_words(value)}
    return _("The busiest day was %(day)s, with %(count)s messages") % words


def _shown_hours(now: Sequence[float | None], before: Sequence[float | None]) -> tuple[int, int]:
    """Return the hours worth showing: office hours and whatever else had a message."""
    busy = [hour for hour in range(24) if now[hour] or before[hour]]
    return min([OFFICE_HOURS[0], *busy]), max([OFFICE_HOURS[1], *busy]) + 1


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)
