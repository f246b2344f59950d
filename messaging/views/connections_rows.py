"""One connection with its last day, as lists and cards show it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.gateway.lanes import LaneView, lane_views
from messaging.selectors import outgoing, volume
from messaging.selectors.connections import ConnectionView
from messaging.selectors.failure_words import failure_words
from messaging.selectors.health import health_label, reason_of
from messaging.selectors.standing import HEALTH_TONES, Standing, standings
from messaging.selectors.uptime import uptime_by_connection
from messaging.services.lifecycle.problems import words_of

DAY = timedelta(hours=24)
# Pairing makes sense in these states; a page then leads there instead of to a restart.
UNPAIRED = frozenset({"initializing", "qr_pending", "logged_out", "removed", "banned"})
_LANES: dict[str, tuple[str, Promise]] = {
    "open": ("ok", _("Open")),
    "held": ("warn", _("Waiting for the number")),
    "paused": ("warn", _("Paused")),
    "tripped": ("bad", _("Stopped by an error")),
}

Counts = dict[tuple[datetime, str], int]


@dataclass(frozen=True, slots=True)
class Act:
    """An entry of a connection's menu; `key` is the word in its address."""

    key: str
    icon: str
    label: Promise


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One connection, its last 24 hours and its sending line."""

    view: ConnectionView
    standing: Standing
    uptime: list[str]
    # Messages in each of the last 24 hours, oldest first.
    traffic: list[int]
    # Since midnight on the clock of the company.
    received: int
    sent: int
    queued: int
    lane: LaneView | None
    mark: int

    @property
    def tone(self) -> str:
        return self.standing.tone

    @property
    def label(self) -> str:
        return self.standing.label

    @property
    def since(self) -> datetime:
        return self.standing.since

    @property
    def health_tone(self) -> str:
        return HEALTH_TONES.get(self.view.health, "")

    @property
    def health_label(self) -> str:
        return health_label(self.view.health)

    @property
    def reason(self) -> str:
        """Return why it is not healthy, "" when it is."""
        return reason_of(self.view.signals)

    @property
    def last_error(self) -> str:
        return str(words_of(self.view.last_error))

    @property
    def lane_tone(self) -> str:
        return _LANES[self.lane.state][0] if self.lane else ""

    @property
    def lane_label(self) -> str:
        return str(_LANES[self.lane.state][1]) if self.lane else ""

    @property
    def lane_words(self) -> str:
        """Return why the line stands still, "" when it does not."""
        if self.lane is None or self.lane.state == "open":
            return ""
        return str(failure_words(self.lane.reason))

    @property
    def is_stopped(self) -> bool:
        """Tell whether a person may let the line go on."""
        return self.lane is not None and self.lane.state in ("paused", "tripped")

    @property
    def is_unpaired(self) -> bool:
        return self.view.state in UNPAIRED or self.view.quarantined_at is not None

    @property
    def is_muted(self) -> bool:
        until = self.view.muted_until
        return until is not None and until > timezone.now()

    @property
    def has_traffic(self) -> bool:
        return any(self.traffic)

    @property
    def acts(self) -> list[Act]:
        return acts_of(self)

    @property
    def is_troubled(self) -> bool:
        return self.tone == "bad" or self.health_tone == "bad" or bool(self.view.events.dead)


def connection_rows(views: list[ConnectionView]) -> list[ConnectionRow]:
    """Return the views with their traffic, in a number of queries that does not grow with them."""
    now = timezone.now()
    ids = [view.id for view in views]
    tones = uptime_by_connection([view.pk for view in views], now=now)
    stand = standings(views)
    traffic, waiting, lanes = _traffic(now), outgoing.queue_depths(ids), lane_views(ids)
    return [
        _row(
            view,
            stand[view.pk],
            tones[view.pk],
            traffic[view.pk],
            waiting.get(view.id, 0),
            lanes.get(view.id),
        )
        for view in views
    ]


def connection_row(view: ConnectionView) -> ConnectionRow:
    return connection_rows([view])[0]


def acts_of(row: ConnectionRow) -> list[Act]:
    """Return the acts that make sense for a connection as it is now."""
    view, found = row.view, list[Act]()
    if view.removed_at is not None:
        return found
    if view.server_id or view.server_url:
        found.append(Act("verificar", "bolt", _("Check now")))
        pause = Act("pausar", "pause", _("Pause sending"))
        found.append(Act("retomar", "play", _("Resume sending")) if row.is_stopped else pause)
    if view.is_managed and not row.is_unpaired:
        found.append(Act("reiniciar", "refresh", _("Restart the session")))
    if not view.is_default:
        found.append(Act("padrao", "check", _("Send from this one by default")))
    return found


def _row(
    view: ConnectionView,
    standing: Standing,
    tones: list[str],
    counts: Counts,
    queued: int,
    lane: LaneView | None,
) -> ConnectionRow:
    now = timezone.now()
    hours = sorted({_hour(now - timedelta(hours=back)) for back in range(24)})
    return ConnectionRow(
        view=view,
        standing=standing,
        uptime=tones,
        traffic=[
            sum(count for (hour, _way), count in counts.items() if hour == wanted)
            for wanted in hours
        ],
        received=_since_midnight(counts, "inbound", now),
        sent=_since_midnight(counts, "outbound", now),
        queued=queued,
        lane=lane,
        mark=(view.color - 1) % 4 + 1,
    )


def _since_midnight(counts: Counts, direction: str, now: datetime) -> int:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(
        count for (hour, way), count in counts.items() if way == direction and hour >= midnight
    )


def _traffic(now: datetime) -> dict[int, Counts]:
    """Return the counts of the last 24 hours by connection, hour and direction."""
    found: dict[int, Counts] = defaultdict(dict)
    for row in volume.counts_per_hour(start=now - DAY, end=now):
        found[row.connection_id][_hour(row.hour), row.direction] = row.count
    return found


def _hour(moment: datetime) -> datetime:
    return timezone.localtime(moment).replace(minute=0, second=0, microsecond=0)
