"""Keeping a paired session up: one try at a time, later and later, never against a person's wish.

Everything is in the row, so a restart goes on where it was. A try is claimed by moving
`next_retry_at` ahead in one conditional statement: of two watchers one connects.
"""

import random
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from messaging.gateway import breaker
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.servers import Unreachable, instance_of, server_row
from messaging.models import Connection
from messaging.selectors.connections import connection_model
from messaging.services.lifecycle.observing import conclude, observe_state
from messaging.services.lifecycle.problems import SERVER_DOWN, note

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 600.0
# So long a session must have held for the next trouble to count as a new one.
STEADY = timedelta(minutes=10)
# A session that is coming up is left alone for so long.
PATIENCE = timedelta(seconds=60)
_UP = frozenset({"connected", "degraded"})


def tend_session(public_id: UUID) -> datetime | None:
    """Bring a lost session back when it is time for the next try; returns when to look again.

    None: there is nothing to do here. Network; never in a transaction.
    """
    connection = connection_model(public_id)
    if connection.state in _UP:
        return _settle(connection)
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
    return _try(connection)


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


def _try(connection: Connection) -> datetime | None:
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
        _reconnect(connection, instance)
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


def _reconnect(connection: Connection, instance: Instance) -> None:
    """Ask first: sessions come back by themselves, and connecting an open one costs it."""
    asked_at = timezone.now()
    try:
        seen = evolution().connection_state(instance)
        if seen not in {"open", "connecting"}:
            seen = _connect(connection, instance)
    except EvolutionError as error:
        _note_failure(connection, instance, error)
        return
    breaker.note_success(instance.server_id)
    observe_state(connection.public_id, seen, at=asked_at)


def _connect(connection: Connection, instance: Instance) -> str:
    answer = evolution().connect(instance)
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
