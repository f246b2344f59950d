"""What a look concludes from its findings, and when that counts. Nothing here asks anybody.

A verdict counts when it came twice in a row, a better one when it came three times: one lost
answer is no incident, one good answer is no recovery.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEALTHY, DEGRADED, DOWN = "healthy", "degraded", "down"
BAD_LOOKS, GOOD_LOOKS = 2, 3
_RANK = {"": 0, HEALTHY: 0, DEGRADED: 1, DOWN: 2}
# Signal → what its `warn` and its `bad` mean. Silence of expected traffic is not here: alone it
# proves nothing, and a probe that could not prove life says so itself.
_WEIGHT = {
    "events": {"warn": DEGRADED, "bad": DOWN},
    "probe": {"warn": DEGRADED, "bad": DOWN},
    "acks": {"warn": DEGRADED, "bad": DEGRADED},
    "silence": {"warn": DEGRADED},
    "webhook": {"warn": DEGRADED, "bad": DEGRADED},
}
# (signal, code) → kind of incident; a signal's "" is for its other codes.
_KINDS = {
    ("events", ""): "disconnected",
    ("events", "logged_out"): "logged_out",
    ("events", "banned"): "banned",
    ("events", "removed"): "removed",
    ("events", "quarantined"): "wrong_number",
    ("probe", ""): "server_down",
    ("probe", "close"): "disconnected",
    ("probe", "connecting"): "disconnected",
    ("probe", "unproven"): "silence",
    ("probe", "missing_instance"): "removed",
    ("acks", ""): "acks",
    ("silence", ""): "silence",
    ("webhook", ""): "webhook",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one signal says; `status` is ok, warn, bad, unknown or off."""

    signal: str
    status: str
    code: str
    value: Any = None

    @property
    def severity(self) -> str:
        return _WEIGHT.get(self.signal, {}).get(self.status, HEALTHY)

    @property
    def kind(self) -> str:
        """Return the kind of incident that this is, "" when it is none."""
        if self.severity == HEALTHY:
            return ""
        return _KINDS.get((self.signal, self.code)) or _KINDS[(self.signal, "")]


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts, and how many looks in a row have disagreed with it."""

    health: str = ""
    streak: int = 0


def verdict(findings: Iterable[Finding]) -> str:
    """Return the gravest of what the findings mean."""
    return max((one.severity for one in findings), key=_RANK.__getitem__, default=HEALTHY)


def gravest(findings: Iterable[Finding]) -> Finding | None:
    """Return the finding that speaks for the verdict, None when all is well."""
    grave = [one for one in findings if one.severity != HEALTHY]
    return max(grave, key=lambda one: _RANK[one.severity], default=None)


def step(standing: Standing, *, before: str, now: str) -> Standing:
    """Return the standing after a look; `before` is the verdict of the look before it.

    The milder of two bad looks is entered, the worse of two good ones stays.
    """
    health = standing.health
    if not health and now == HEALTHY:
        return Standing(HEALTHY)
    side = _side(now, health)
    if not side:
        return Standing(health)
    goes_on = standing.streak > 0 and _side(before, health) == side
    streak = standing.streak + 1 if goes_on else 1
    if streak < (BAD_LOOKS if side > 0 else GOOD_LOOKS):
        return Standing(health, streak)
    choose = min if side > 0 else max
    return Standing(choose(before, now, key=_RANK.__getitem__))


def _side(found: str, health: str) -> int:
    """Return 1 when what was found is worse than what counts, -1 when it is better."""
    return (_RANK[found] > _RANK[health]) - (_RANK[found] < _RANK[health])


def kinds_of(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Return the kinds of incident that are present, each with its gravest finding."""
    found: dict[str, Finding] = {}
    for one in findings:
        known = found.get(one.kind)
        if one.kind and (known is None or _RANK[one.severity] > _RANK[known.severity]):
            found[one.kind] = one
    return found


def stored(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as `Connection.health_signals` keeps them."""
    return [asdict(one) for one in findings]


def read(rows: Iterable[dict[str, Any]]) -> list[Finding]:
    """Reverse `stored`."""
    return [Finding(**row) for row in rows]
