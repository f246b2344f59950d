"""Whether events really come: what the server has of a quiet number, against what is here.

A session may look open and a webhook may be set, and still nothing arrives (#2443, #2647, #2665).
Silence proves nothing; only messages that the server has and that never came do. Searching them is
dear for the server, so it is done when its own count of messages grew by more than came here, which
one request tells for all numbers of a server (`counting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from evosense.core.schema import database_cursor
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.servers import Unreachable, instance_of
from messaging.ingest.envelope.recovered import time_of
from messaging.models import Connection, Message
from messaging.services.gaps.requests import fetch_missed
from messaging.services.gaps.storing import is_behind, missing_of
from messaging.services.health import counting, outages
from messaging.services.health.logbook import is_next
from messaging.services.health.verdict import Finding, read

# An event may be on its way: Evolution tries again after 5 and 15 seconds.
SETTLED = timedelta(seconds=30)
# A server's clock, and the whole seconds in which it tells times.
SLACK = timedelta(seconds=60)
# Older counts are not compared with what came meanwhile.
YOUNG = timedelta(minutes=15)
# Where a server does not tell its count, and of numbers that were quiet for a while.
EVERY, QUIET = timedelta(minutes=5), timedelta(minutes=2)
FURTHEST = timedelta(hours=24)
# The echo of what we send may come before the answer.
ECHO_FIRST = timedelta(seconds=10)
SENT_WITHIN = timedelta(minutes=10)
SIZE = 20

_UNECHOED = """
SELECT EXISTS (
    SELECT FROM messaging_message m JOIN messaging_outgoing o ON o.message_id = m.id
    WHERE m.connection_id = %s AND m.occurred_at > %s AND o.state = 'sent'
      AND o.sent_at > %s AND o.sent_at < %s
)
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many messages of the number the server had, and when it said so."""

    at: datetime
    messages: int

    @property
    def stored(self) -> list[float]:
        """Return what the finding keeps until the next look."""
        return [self.at.timestamp(), self.messages]


@dataclass(frozen=True, slots=True)
class Depth:
    """What a comparison found; `lost_at` is since when (seconds of the epoch) events are lost."""

    finding: Finding
    lost_at: float | None = None

    @property
    def is_undecided(self) -> bool:
        """Tell whether events may be on their way, which another look soon will show."""
        return self.finding.code == "on_the_way"


def unasked(connection: Connection) -> Depth:
    """Return the depth of a look that has nothing to compare: events flow, or nobody answers."""
    return Depth(
        _finding("unknown", "unasked", _counted_before(connection)), known_lost(connection)
    )


def look_deeper(connection: Connection, *, now: datetime) -> Depth:
    """Compare an open session's server with what came here; fetches at once what is missing.

    Network; never in a transaction.
    """
    last = connection.last_event_at or connection.connected_at or now
    # What waits for its turn here did come.
    if is_behind(connection):
        return unasked(connection)
    try:
        counted = _count(connection)
        if _may_have_more(connection, counted, last, now):
            found = _search(connection, counted, last, now)
        else:
            found = Depth(_same(counted), known_lost(connection))
    except (EvolutionError, Unreachable):
        found = unasked(connection)
    if found.lost_at is None and _is_unechoed(connection, last, now):
        return Depth(found.finding, now.timestamp())
    return found


def known_lost(connection: Connection) -> float | None:
    """Return what the look before knew of it."""
    found = [one for one in read(connection.health_signals) if one.signal == "webhook"]
    lost = [one for one in found if one.code == "lost"]
    return float(lost[0].value) if lost else None


def _count(connection: Connection) -> Counted | None:
    """Ask how many messages the server has; None when it does not tell."""
    at, found = counting.shared.of(instance_of(connection))
    return None if found is None else Counted(at, found)


def _counted_before(connection: Connection) -> Counted | None:
    found = [one for one in read(connection.health_signals) if one.signal == "store"]
    if not found or not found[0].value:
        return None
    at, messages = found[0].value
    return Counted(datetime.fromtimestamp(at, UTC), int(messages))


def _may_have_more(
    connection: Connection, counted: Counted | None, last: datetime, now: datetime
) -> bool:
    """Tell whether a search is worth it; what it counts and we do not keep is searched for too."""
    before = _counted_before(connection)
    if counted is None:
        return now - last >= QUIET and is_next(connection.health_at, now, EVERY)
    if before is None or now - before.at > YOUNG:
        return True
    more = counted.messages - before.messages
    return more > 0 and more > _came_since(connection, before.at)


def _came_since(connection: Connection, at: datetime) -> int:
    """Count messages here that the server cannot have counted at that time.

    Times are whole seconds: those of that very second may be in its count already.
    """
    first = at.replace(microsecond=0) + timedelta(seconds=1)
    return Message.objects.filter(connection=connection, occurred_at__gte=first).count()


def _search(
    connection: Connection, counted: Counted | None, last: datetime, now: datetime
) -> Depth:
    since = max(last - SLACK, now - FURTHEST)
    missing = _missing(connection, since, now + SLACK)
    known = known_lost(connection)
    if not missing:
        return Depth(_same(counted), known)
    if now - min(missing) < SETTLED:
        # The count before stays, so that the next look searches again.
        return Depth(_finding("unknown", "on_the_way", _counted_before(connection)), known)
    strange = outages.unexplained(connection, missing)
    # A window that grew with each look would explain whatever is missing later.
    if strange or not outages.is_being_read(connection, missing):
        fetch_missed(connection, since=since, reason="silence")
    # Events that came after what is missing speak for the way here: single ones were dropped. So
    # does an outage that is over: what it cost is no proof that events are lost now.
    if known is None and (not strange or max(strange) + timedelta(seconds=1) <= last):
        return Depth(_finding("ok", "fetched", counted))
    return Depth(_finding("warn", "missing", counted), known or now.timestamp())


def _missing(connection: Connection, since: datetime, until: datetime) -> Sequence[datetime]:
    """Return the times of those of the server's newest messages that are not here."""
    page = evolution().find_messages(
        instance_of(connection), jid=None, since=since, until=until, page=1, size=SIZE
    )
    times = [(time_of(one), one) for one in page.records]
    # Servers ignore a filter that they do not know.
    inside = [one for at, one in times if at is not None and since <= at <= until]
    found = [time_of(one) for one in missing_of(connection, inside)]
    return [at for at in found if at is not None]


def _is_unechoed(connection: Connection, last: datetime, now: datetime) -> bool:
    """Tell whether the server took messages from us and told nothing since.

    It posts each of them to our webhook too, where that is ours.
    """
    if not connection.is_managed or connection.webhook_state not in ("ok", "repaired"):
        return False
    heard = last + ECHO_FIRST
    first = max(last, now - SENT_WITHIN) - SLACK
    with database_cursor() as cursor:
        cursor.execute(_UNECHOED, [connection.pk, first, heard, now - SETTLED])
        return bool(cursor.fetchone()[0])


def _same(counted: Counted | None) -> Finding:
    return _finding("ok", "same", counted) if counted else _finding("unknown", "untold", None)


def _finding(status: str, code: str, counted: Counted | None) -> Finding:
    return Finding("store", status, code, counted.stored if counted else None)
