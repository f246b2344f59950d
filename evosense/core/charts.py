"""Geometry of the small charts, as plain numbers for templates; None is a gap, drawn as a gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

Value = float | None
CIRCLE = 28.3
HEAT_LEVELS = 5
# Below it a value counts as nothing; powers of ten would run out of floats.
SMALLEST = 1e-9


@dataclass(frozen=True)
class Line:
    """Paths in a `width` by `height` box whose origin is top left; empty strings draw nothing."""

    line: str
    area: str
    last: str
    width: float
    height: float
    low: float
    high: float


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    value: Value
    label: str
    is_now: bool


def sparkline(
    values: Sequence[Value],
    *,
    width: float = 100,
    height: float = 28,
    low: Value = None,
    high: Value = None,
) -> Line:
    """Return the line through `values`; lone points between gaps become dots."""
    known = [value for value in values if value is not None]
    low = (min(known) if known else 0.0) if low is None else low
    high = (max(known) if known else 1.0) if high is None else high
    pad = 2.0
    step = width / (len(values) - 1) if len(values) > 1 else 0.0
    runs = [
        [(index * step, _height_of(value, low, high, height, pad)) for index, value in run]
        for run in _runs(values)
    ]
    return Line(
        line="".join(_path(run) for run in runs),
        area="".join(
            f"{_path(run)}L{_n(run[-1][0])} {_n(height)}L{_n(run[0][0])} {_n(height)}z"
            for run in runs
            if len(run) > 1
        ),
        last=f"M{_n(runs[-1][-1][0])} {_n(runs[-1][-1][1])}v.01" if runs else "",
        width=width,
        height=height,
        low=low,
        high=high,
    )


def bars(
    values: Sequence[Value],
    *,
    labels: Sequence[str] = (),
    top: float | None = None,
    now: int | None = None,
    fill: float = 0.72,
) -> list[Bar]:
    """Return one bar a value, in percent of the plot; counts start at zero, gaps have no bar."""
    top = top or nice_top(value for value in values if value is not None)
    slot = 100 / len(values) if values else 0
    result = []
    for index, value in enumerate(values):
        tall = 100 * min(max(value or 0, 0), top) / top
        result.append(
            Bar(
                x=round(slot * index + slot * (1 - fill) / 2, 2),
                y=round(100 - tall, 2),
                width=round(slot * fill, 2),
                height=round(tall, 2),
                value=value,
                label=labels[index] if index < len(labels) else "",
                is_now=index == now,
            )
        )
    return result


def nice_top(values: Iterable[float]) -> float:
    """Return the smallest of 1, 2, 2.5, 4, 5 times a power of ten that holds every value."""
    highest = max(values, default=0)
    if highest <= SMALLEST:
        return 4
    scale = 10.0 ** floor(log10(highest))
    return next(
        step * scale for step in (1, 2, 2.5, 4, 5, 10) if step * scale >= highest - 1e-9 * scale
    )


def heat_level(value: Value, top: float) -> int | None:
    """Return 0 (none) to 5 (the most) for one cell, None for a gap."""
    if value is None:
        return None
    if value <= 0 or top <= 0:
        return 0
    return min(HEAT_LEVELS, ceil(HEAT_LEVELS * value / top))


def ring_dash(share: float, around: float = CIRCLE) -> str:
    """Return the stroke-dasharray that fills `share` (0 to 1) of a circle."""
    return f"{_n(around * min(max(share, 0), 1))} {_n(around)}"


def segments(parts: Sequence[float], total: float = 0) -> list[tuple[float, float]]:
    """Return (start, width) in percent for parts of one bar; `total` leaves room for the rest."""
    total = max(total, sum(parts)) or 1
    result, start = [], 0.0
    for part in parts:
        width = 100 * part / total
        result.append((round(start, 2), round(width, 2)))
        start += width
    return result


def _runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """Split at the gaps."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _height_of(value: float, low: float, high: float, height: float, pad: float) -> float:
    if high <= low:
        return height / 2
    share = (min(max(value, low), high) - low) / (high - low)
    return height - pad - share * (height - 2 * pad)


def _path(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        return f"M{_n(points[0][0])} {_n(points[0][1])}v.01"
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
