"""Times in which a number is known to have missed messages, so that they are no news."""

from collections.abc import Sequence
from datetime import datetime

from messaging.models import Connection, GapRepair, Incident
from messaging.services.gaps.requests import ACTIVE

# These say themselves that events do not come, and so explain nothing.
_OF_EVENTS = (Incident.Kind.WEBHOOK, Incident.Kind.SILENCE)


def unexplained(connection: Connection, times: Sequence[datetime]) -> list[datetime]:
    """Return those times at which the session was up and nobody knew of an outage.

    Its repair has a window whatever became of it: it may wait, be at work, or have failed.
    """
    if not times:
        return []
    repairs = GapRepair.objects.filter(connection=connection, until__gte=min(times))
    repairs = repairs.exclude(reason="silence")
    windows = list(repairs.values_list("since", "until"))
    lasting = Incident.objects.filter(connection=connection, ended_at=None)
    begun = lasting.exclude(kind__in=_OF_EVENTS).values_list("loss_from", flat=True)
    windows += [(since, max(times)) for since in begun if since is not None]
    return [at for at in times if not any(since <= at <= until for since, until in windows)]


def is_being_read(connection: Connection, times: Sequence[datetime]) -> bool:
    """Tell whether a repair that has not ended reads all of these times."""
    return GapRepair.objects.filter(
        connection=connection, state__in=ACTIVE, since__lte=min(times), until__gte=max(times)
    ).exists()
