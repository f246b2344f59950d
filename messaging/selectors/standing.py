"""How connections stand: what their events told, unless the looks at them found it worse."""

from dataclasses import dataclass
from datetime import datetime

from messaging.selectors.connections import ConnectionView
from messaging.selectors.health import health_label
from messaging.selectors.incidents import open_since
from messaging.selectors.uptime import tone_of

HEALTH_TONES = {"healthy": "ok", "degraded": "warn", "down": "bad"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A tone, a word, and since when: a session that only looks open is not called connected."""

    # "", ok, warn, bad
    tone: str
    label: str
    since: datetime


def standings(views: list[ConnectionView]) -> dict[int, Standing]:
    """Return how each connection stands, by its key, in one query."""
    ill = open_since([view.pk for view in views])
    return {view.pk: _standing(view, ill.get(view.pk)) for view in views}


def _standing(view: ConnectionView, ill_since: datetime | None) -> Standing:
    if view.removed_at is not None:
        return Standing("", view.state_label, view.removed_at)
    told = tone_of(view.state)
    found = HEALTH_TONES.get(view.health, told) if told == "ok" else told
    if found == told:
        return Standing(told, view.state_label, view.state_at)
    return Standing(found, health_label(view.health), ill_since or view.state_at)
