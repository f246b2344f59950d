"""Whether events really come: what the server has of a quiet number, against what is here.

A session may look open and a webhook may be set, and still nothing arrives (#2443, #2647, #2665).
Only the messages themselves tell. Searching them is dear for the server, so it is done for numbers
that were quiet for a while, and seldom.
"""

from datetime import datetime, timedelta

from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.servers import Unreachable, instance_of
from messaging.ingest.envelope.recovered import time_of
from messaging.models import Connection
from messaging.services.gaps.requests import fetch_missed
from messaging.services.gaps.storing import count_missing, is_behind
from messaging.services.health.logbook import is_next
from messaging.services.health.verdict import read

QUIET, EVERY = timedelta(minutes=2), timedelta(minutes=5)
# While it is known that events are lost, what comes in is fetched at least so often.
EVERY_WHEN_LOST = timedelta(minutes=1)
# An event may be on its way, or wait for its turn here.
SETTLED = timedelta(seconds=60)
FURTHEST = timedelta(hours=24)
SIZE = 20


def lost_since(connection: Connection, *, now: datetime) -> float | None:
    """Return since when (seconds of the epoch) events are lost, None where that is not so.

    What is found missing is fetched at once. Network; never in a transaction.
    """
    known = known_lost(connection)
    last = connection.last_event_at or connection.connected_at or now
    if now - last < QUIET or is_behind(connection):
        return None
    if not is_next(connection.health_at, now, EVERY_WHEN_LOST if known else EVERY):
        return known
    since = max(last - SETTLED, now - FURTHEST)
    if _missing(connection, since, now - SETTLED):
        fetch_missed(connection, since=since, reason="silence")
        return known or now.timestamp()
    return known


def known_lost(connection: Connection) -> float | None:
    """Return what the look before knew of it."""
    found = [one for one in read(connection.health_signals) if one.signal == "webhook"]
    lost = [one for one in found if one.code == "lost"]
    return float(lost[0].value) if lost else None


def _missing(connection: Connection, since: datetime, until: datetime) -> int:
    """Return how many of the server's newest messages are not here; 0 when it cannot be asked."""
    try:
        instance = instance_of(connection)
        page = evolution().find_messages(
            instance, jid=None, since=since, until=until, page=1, size=SIZE
        )
    except (EvolutionError, Unreachable):
        return 0
    times = [(time_of(one), one) for one in page.records]
    # Servers ignore a filter that they do not know.
    inside = [one for at, one in times if at is not None and since <= at <= until]
    return count_missing(connection, inside)
