"""Shares and pairs: McNemar, Wilson, Holm, and how many messages a difference needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, comb, sqrt

from analytics.experiments.statistics.differences import Z95

# Two-sided 5 %, power 80 %, as rounded in the textbook formula.
_Z_ALPHA = 1.96
_Z_POWER = 0.8416


@dataclass(frozen=True, slots=True)
class McNemar:
    """Of pairs where one was right alone: `b` the baseline, `c` the candidate."""

    b: int
    c: int
    exact: float
    mid: float


def mcnemar(b: int, c: int) -> McNemar:
    """Return the exact and the mid-p value; both 1 where no pair differs."""
    pairs, fewer = b + c, min(b, c)
    whole = 2**pairs
    tail = sum(comb(pairs, k) for k in range(fewer + 1))
    # Whole numbers up to the last division: 2**pairs exceeds every float soon.
    exact = min(1.0, 2 * tail / whole)
    mid = min(1.0, (2 * tail - comb(pairs, fewer)) / whole) if pairs else 1.0
    return McNemar(b, c, exact, mid)


def wilson(successes: float, total: float) -> tuple[float, float] | None:
    """Return the 95 % interval of a share; None out of nothing."""
    if total <= 0:
        return None
    p, z2 = successes / total, Z95**2
    middle = p + z2 / (2 * total)
    reach = Z95 * sqrt(p * (1 - p) / total + z2 / (4 * total**2))
    scale = 1 + z2 / total
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the values corrected for their number, in the given order."""
    count = len(p_values)
    corrected, floor = [1.0] * count, 0.0
    for place, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (count - place) * p_values[index]))
        corrected[index] = floor
    return corrected


def messages_needed(difference: float, discordant: float = 0.2) -> int:
    """Return the pairs with which McNemar finds `difference` four times in five.

    `discordant` is the share of pairs where only one side is right; it cannot be below the
    difference. Raises ValueError for values outside 0..1.
    """
    if not 0 < difference <= 1 or not 0 < discordant <= 1:
        raise ValueError("Both are shares above 0, up to 1.")
    discordant = max(discordant, difference)
    spread = sqrt(max(discordant - difference**2, 0.0))
    return ceil(((_Z_ALPHA * sqrt(discordant) + _Z_POWER * spread) / difference) ** 2)
