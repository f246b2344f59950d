"""Everything the overview shows, gathered in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.selectors import volume
from analytics.selectors.charts import Chart, change_words, day_chart, hour_chart
from analytics.selectors.volume import Ledger, days_up_to
from messaging.selectors import volume as messages
from messaging.selectors.choices import unread_totals
from messaging.selectors.connections import ConnectionView, connection_list
from messaging.selectors.conversations import (
    ConversationFilter,
    ConversationRow,
    conversation_page,
)
from messaging.selectors.standing import Standing, standings
from messaging.selectors.uptime import uptime_by_connection

PERIODS = {"hoje": 1, "7": 7, "30": 30}
LONGEST = 30
SHOWN_UNREAD = 5


@dataclass(frozen=True)
class Flow:
    """Messages of one direction in the period, against the one before until the same minute."""

    now: int | None
    before: int | None
    trend: list[int | None]

    @property
    def change(self) -> str:
        return change_words(self.now, self.before)[0]

    @property
    def direction(self) -> str:
        return change_words(self.now, self.before)[1]


@dataclass(frozen=True)
class Line:
    """One connection in the strip."""

    view: ConnectionView
    standing: Standing
    uptime: list[str]
    received: int
    sent: int


@dataclass(frozen=True)
class Health:
    """How the events of the last 24 hours fared."""

    waiting: int
    dead: int
    kept: int
    done: int
    last_event_at: datetime | None
    is_capped: bool


@dataclass(frozen=True)
class Overview:
    now: datetime
    days: int
    received: Flow
    sent: Flow
    unread_conversations: int
    unread_messages: int
    unread: list[ConversationRow]
    lines: list[Line]
    health: Health
    hours: Chart
    per_day: Chart

    @property
    def connected(self) -> int:
        return sum(line.standing.tone == "ok" for line in self.lines)

    @property
    def troubled(self) -> list[Line]:
        return [
            line for line in self.lines if line.standing.tone == "bad" or line.view.quarantined_at
        ]


def overview(*, days: int, now: datetime, show_numbers: bool) -> Overview:
    """Return the numbers of the last `days` days, today included."""
    shift = max(days, 7)
    ledger = volume.ledger(now=now, days=LONGEST + shift)
    tail = _tail_of_the_hour(ledger, shift)
    received = _flow(ledger, "inbound", days=days, shift=shift, tail=tail)
    conversations, unread = unread_totals()
    views = connection_list()
    return Overview(
        now=ledger.now,
        days=days,
        received=received,
        sent=_flow(ledger, "outbound", days=days, shift=shift, tail=tail),
        unread_conversations=conversations,
        unread_messages=unread,
        unread=_unread(show_numbers=show_numbers) if conversations else [],
        lines=_lines(views, now),
        health=_health(views),
        hours=hour_chart(ledger, days=days, shift=shift, totals=(received.now, received.before)),
        per_day=day_chart(ledger, days=days, count=LONGEST),
    )


def _flow(ledger: Ledger, direction: str, *, days: int, shift: int, tail: dict[str, int]) -> Flow:
    last_before = days_up_to(ledger.today, shift + 1)[0]
    before = ledger.total(direction, last=last_before, count=days, until_hour=ledger.now.hour)
    if before is not None:
        before += tail[direction]
    if days == 1:
        trend = ledger.hours(direction, ledger.today)[: ledger.now.hour + 1]
    else:
        trend = ledger.days(direction, last=ledger.today, count=days)
    return Flow(ledger.total(direction, last=ledger.today, count=days), before, trend)


def _tail_of_the_hour(ledger: Ledger, shift: int) -> dict[str, int]:
    """Return what the period before had in this hour up to this minute.

    Counters know whole hours only; comparing 10:42 with all of 10 to 11 h would look like a fall.
    """
    end = ledger.now - timedelta(days=shift)
    return messages.count_between(start=end.replace(minute=0, second=0, microsecond=0), end=end)


def _unread(*, show_numbers: bool) -> list[ConversationRow]:
    page = conversation_page(
        ConversationFilter(unread_only=True), limit=SHOWN_UNREAD, show_numbers=show_numbers
    )
    return page.rows


def _lines(views: list[ConnectionView], now: datetime) -> list[Line]:
    stand = standings(views)
    tones = uptime_by_connection([view.pk for view in views], now=now)
    counts: dict[tuple[int, str], int] = {}
    for row in messages.counts_per_hour(start=now - timedelta(hours=24), end=now):
        key = (row.connection_id, row.direction)
        counts[key] = counts.get(key, 0) + row.count
    return [
        Line(
            view,
            stand[view.pk],
            tones[view.pk],
            counts.get((view.pk, "inbound"), 0),
            counts.get((view.pk, "outbound"), 0),
        )
        for view in views
    ]


def _health(views: list[ConnectionView]) -> Health:
    events = [view.events for view in views]
    heard = [view.last_event_at for view in views if view.last_event_at]
    return Health(
        waiting=sum(one.pending for one in events),
        dead=sum(one.dead for one in events),
        kept=sum(one.kept for one in events),
        done=sum(one.done for one in events),
        last_event_at=max(heard, default=None),
        is_capped=any(one.is_capped for one in events),
    )
