"""What an event of the connection itself means at once, without waiting for a second look."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from evosense.core.schema import public_scope
from messaging.gateway.models import Lane
from messaging.models import Connection, ConnectionEvent, Incident
from messaging.services.gaps.requests import ask_for_repair
from messaging.services.health import incidents, measures

Kind = Incident.Kind
_State = Connection.State
# An end that is told is certain; "connecting" may be over in a second and is left to the looks.
_ENDED = frozenset({_State.DISCONNECTED, _State.LOGGED_OUT, _State.BANNED, _State.REMOVED})
# What a number that is up again has left behind.
_OVER = (Kind.DISCONNECTED, Kind.LOGGED_OUT, Kind.BANNED, Kind.REMOVED, Kind.WRONG_NUMBER)
# A session that comes and goes is not read again each time.
REPAIR_AGAIN = timedelta(minutes=10)


def follow_state(connection_pk: int) -> None:
    """Open or close incidents for the state that the connection has now; repeating it is harmless.

    The event that leads here may be old: what counts is the row.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = Connection.objects.select_for_update(no_key=True)
        connection = rows.filter(pk=connection_pk).first()
        if connection is None:
            return
        if connection.removed_at is not None:
            incidents.bury(connection, now=now)
            return
        finding = measures.events(connection, now=now)
        is_ended = connection.state in _ENDED or connection.quarantined_at is not None
        if is_ended and finding.kind:
            _open(connection, finding.kind, finding.code)
        elif connection.state == _State.CONNECTED:
            closed = incidents.close_incidents(connection, kinds=_OVER, now=now)
            if not closed:
                _fetch_missed(connection)
        if connection.quarantined_at is None and connection.state in _ENDED:
            # Its session was given up instead; what the strange number got is not ours to fetch.
            kinds = {Kind.WRONG_NUMBER}
            incidents.close_incidents(connection, kinds=kinds, now=now, fetches=False)
    look_soon(connection)


def look_soon(connection: Connection) -> None:
    """Have the watch look at this connection next."""
    with public_scope():
        Lane.objects.filter(pk=connection.public_id).update(watch_at=timezone.now())


def _open(connection: Connection, kind: str, code: str) -> None:
    cause = incidents.Cause(
        kind=kind,
        severity="down",
        code=code,
        started_at=connection.quarantined_at or connection.state_at,
        details={"signal": "events", "state_code": connection.state_code},
    )
    incidents.open_incident(connection, cause)


def _fetch_missed(connection: Connection) -> None:
    """A session came back without an incident: Evolution restarted, or was away for seconds."""
    now = timezone.now()
    before = ConnectionEvent.objects.filter(connection=connection, at__lt=connection.state_at)
    last_up = before.filter(state=_State.CONNECTED).order_by("-at").first()
    if last_up is None or connection.server_id is None:
        return
    left = before.filter(at__gt=last_up.at).order_by("at").values_list("at", flat=True).first()
    recent = connection.repairs.filter(created_at__gt=now - REPAIR_AGAIN, reason="reconnected")
    if left is not None and not recent.exists():
        ask_for_repair(connection, since=left, until=now, reason="reconnected")
