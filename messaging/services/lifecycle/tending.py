"""Keeping a paired session up: one try at a time, later and later, never against a person's wish.

Everything is in the row, so a restart goes on where it was. A try is claimed by moving
`next_retry_at` ahead in one conditional statement: of two watchers one connects.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from messaging.gateway import breaker
from messaging.gateway.client.answers import ConnectAnswer
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.servers import Unreachable, instance_of, server_row
from messaging.models import Connection, Incident
from messaging.selectors.connections import connection_model
from messaging.services.lifecycle.observing import conclude, observe_state
from messaging.services.lifecycle.problems import SERVER_DOWN, note

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 600.0
# So long a session must have held for the next trouble to count as a new one.
STEADY = timedelta(minutes=10)
# A session that is coming up is left alone for so long.
PATIENCE = timedelta(seconds=60)
# For so long a session that only looks open is started anew. After that a person decides: one that
# is merely quiet, and has no picture to prove itself by, must not be disturbed all day.
REVIVED_FOR = timedelta(minutes=30)
# What a look found counts for so long; it is older when nobody looked.
PROOF_FOR = timedelta(minutes=5)
_UP = frozenset({"connected", "degraded"})
# What looks find of a session that its server calls open and whose socket is dead (#2443, #2647),
# and the kinds of incident that this is.
_DEAD = frozenset({("probe", "unproven"), ("webhook", "lost")})
_DEAD_KINDS = (Incident.Kind.SILENCE, Incident.Kind.WEBHOOK)


def tend_session(public_id: UUID) -> datetime | None:
    """Bring a lost session back when it is time for the next try; returns when to look again.

    None: there is nothing to do here. Network; never in a transaction.
    """
    connection = connection_model(public_id)
    if connection.state in _UP:
        return _revive(connection) if is_dead(connection) else _settle(connection)
    if not may_reconnect(connection):
        return None
    if connection.state == Connection.State.CONNECTING:
        patient_until = connection.state_at + PATIENCE
        if patient_until > timezone.now():
            return patient_until
    due = connection.next_retry_at
    if due is None:
        return _plan(connection)
    if due > timezone.now():
        return due
    return _try(connection, _come_back)


def is_dead(connection: Connection) -> bool:
    """Tell whether looks proved that a wanted session which is called open hears nothing."""
    if not (connection.wants_session and connection.is_managed and connection.is_active):
        return False
    now, looked, heard = timezone.now(), connection.health_at, connection.last_event_at
    if looked is None or now - looked > PROOF_FOR or (heard is not None and heard > looked):
        return False
    found = {(one["signal"], one["code"]) for one in connection.health_signals}
    if connection.health_streak or connection.quarantined_at or not found & _DEAD:
        return False
    return Incident.objects.filter(
        connection=connection,
        kind__in=_DEAD_KINDS,
        ended_at=None,
        detected_at__gt=now - REVIVED_FOR,
    ).exists()


def may_reconnect(connection: Connection) -> bool:
    """Tell whether a lost session comes back by itself: wanted, once paired, ended by nobody."""
    return (
        connection.wants_session
        and connection.state in {"disconnected", "connecting"}
        and connection.connected_at is not None
        and connection.quarantined_at is None
        and connection.removed_at is None
        and connection.is_active
        and (connection.is_managed or connection.server_id is not None)
    )


def wait_seconds(tries: int) -> float:
    """Return how long to wait after `tries` failures: 5 s, doubling to 10 minutes, less up to 20 %.

    The scatter keeps the numbers of a server that comes back from arriving all at once.
    """
    # The exponent is bounded because the counter is not.
    full = min(FIRST_SECONDS * 2.0 ** min(tries, 10), LONGEST_SECONDS)
    return full * random.uniform(0.8, 1.0)  # noqa: S311  (spreads load, guards nothing)


def _settle(connection: Connection) -> datetime | None:
    """Forget earlier tries once the session has held for ten minutes."""
    if not connection.retry_count:
        return None
    steady_at = (connection.connected_at or connection.state_at) + STEADY
    if steady_at > timezone.now():
        return steady_at
    _claim(connection, retry_count=0)
    return None


def _plan(connection: Connection) -> datetime | None:
    """Set the time of the first try of this interruption."""
    lost_at, since = connection.disconnected_at, connection.connected_at
    was_steady = lost_at is not None and since is not None and lost_at - since >= STEADY
    tries = 0 if was_steady else connection.retry_count
    due = timezone.now() + timedelta(seconds=wait_seconds(tries))
    return due if _claim(connection, next_retry_at=due, retry_count=tries) else None


def _revive(connection: Connection) -> datetime | None:
    """Start a dead session anew when it is time: at first soon, then later and later."""
    since = connection.connected_at or connection.state_at
    wait = timedelta(seconds=wait_seconds(connection.retry_count))
    due = connection.next_retry_at or since + wait
    return due if due > timezone.now() else _try(connection, _start_anew)


def _try(connection: Connection, act: Callable[[Connection, Instance], str]) -> datetime | None:
    again = timezone.now() + timedelta(seconds=wait_seconds(connection.retry_count + 1))
    # Counting stops before the column ends; the wait has long reached its ceiling.
    tries = min(connection.retry_count + 1, 10_000)
    if not _claim(connection, next_retry_at=again, retry_count=tries):
        return None
    try:
        instance = instance_of(connection)
    except Unreachable as refusal:
        note(connection, refusal.code)
        return again
    if breaker.available(server_row(instance.server_id)):
        _follow(connection, instance, act)
    return Connection.objects.values_list("next_retry_at", flat=True).get(pk=connection.pk)


def _claim(connection: Connection, **values: object) -> bool:
    """Change the row if it is still as it was read; False means that somebody else was first."""
    same = Connection.objects.filter(
        pk=connection.pk,
        state=connection.state,
        next_retry_at=connection.next_retry_at,
        retry_count=connection.retry_count,
        wants_session=F("wants_session") if connection.state in _UP else True,
    )
    return bool(same.update(**values))


def _follow(
    connection: Connection, instance: Instance, act: Callable[[Connection, Instance], str]
) -> None:
    """Do what is to bring the session back, and follow what the server said of it."""
    asked_at = timezone.now()
    try:
        seen = act(connection, instance)
    except EvolutionError as error:
        _note_failure(connection, instance, error)
        return
    breaker.note_success(instance.server_id)
    observe_state(connection.public_id, seen, at=asked_at)


def _come_back(connection: Connection, instance: Instance) -> str:
    """Ask first: sessions come back by themselves, and connecting an open one costs it."""
    seen = evolution().connection_state(instance)
    if seen in {"open", "connecting"}:
        return seen
    return _opened(connection, instance, evolution().connect(instance))


def _start_anew(connection: Connection, instance: Instance) -> str:
    """End the socket and open it again. A session that was closed answers with an error.

    One through which WhatsApp shows the number's own picture lives, wherever its events get lost.
    """
    if connection.number and evolution().profile_picture(instance, connection.number):
        return ""
    answer = evolution().restart(instance)
    if answer.raw_error:
        answer = evolution().connect(instance)
    return _opened(connection, instance, answer)


def _opened(connection: Connection, instance: Instance, answer: ConnectAnswer) -> str:
    if answer.code or answer.pairing_code:
        # The server has forgotten the phone. Codes for nobody are no reconnection.
        note(connection, "pairing_needed")
        conclude(connection.public_id, "logged_out")
        return ""
    if answer.raw_error:
        note(connection, "provider_error")
        return ""
    return answer.state or evolution().connection_state(instance)


def _note_failure(connection: Connection, instance: Instance, error: EvolutionError) -> None:
    note(connection, error.code)
    if error.code in SERVER_DOWN:
        breaker.note_failure(instance.server_id, error.code)
    elif error.code != "egress_busy":
        breaker.note_success(instance.server_id)
    if error.code == "missing_instance":
        observe_state(connection.public_id, "missing")
