"""What people do to a session: start it anew, log it out, remove the connection."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from evosense.core.errors import Conflict
from evosense.core.outbox import emit
from messaging.events import ConnectionStateChanged
from messaging.gateway import lanes
from messaging.gateway.client.evolution import evolution
from messaging.models import Connection, ConnectionEvent, Outgoing
from messaging.selectors.connections import living
from messaging.services.connections import take_turn
from messaging.services.lane_control import close_line
from messaging.services.lifecycle import reaching, shelf, webhooks
from messaging.services.lifecycle.observing import conclude, observe_state
from messaging.services.lifecycle.pairing import start_pairing
from messaging.services.lifecycle.problems import LEFT, ServerRefused, asking
from messaging.services.sending import cancel
from messaging.services.trail import write_down
from tenancy.services import routes

# Longer than logging out and deleting may take.
_ASKING_TAKES = timedelta(minutes=3)


def restart(public_id: UUID) -> Connection:
    """End the session's socket and open it again; one that is closed is connected instead.

    When the server forgot the phone, this starts pairing. Raises ServerRefused.
    """
    connection = living(public_id)
    with asking(connection):
        instance = reaching.reach(connection)
        answer = evolution().restart(instance)
        seen = evolution().connection_state(instance)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(
            wants_session=True, retry_count=0, next_retry_at=None
        )
        write_down("connection.restarted", connection)
    if answer.raw_error or answer.code:
        # A closed session answers with an error; a forgotten one with a code.
        start_pairing(public_id)
    else:
        observe_state(public_id, seen)
    return living(public_id)


def log_out(public_id: UUID) -> Connection:
    """Unpair the phone; nothing reconnects afterwards.

    Raises ServerRefused, and then everything is as it was.
    """
    connection = living(public_id)
    history = ConnectionEvent.objects.filter(connection=connection)
    last = history.order_by("-pk").values_list("pk", flat=True).first() or 0
    with _left_alone(connection), asking(connection):
        evolution().logout(reaching.reach(connection))
    shelf.clear(public_id)
    with transaction.atomic():
        conclude(public_id, "logged_out")
        # The server's own notices may have been faster, and call it an act of the phone.
        history.filter(pk__gt=last, state=Connection.State.LOGGED_OUT).update(detail=LEFT)
        # The answer to a strange number, too: nothing is left to decide.
        Connection.objects.filter(pk=connection.pk).update(
            wants_session=False,
            next_retry_at=None,
            paired_number=None,
            quarantined_at=None,
            quarantine_reason="",
            last_error=LEFT,
            last_error_at=timezone.now(),
        )
        write_down("connection.logged_out", connection)
        if connection.quarantined_at is not None:
            emit(ConnectionStateChanged(connection.pk, Connection.State.LOGGED_OUT))
    return living(public_id)


def remove(public_id: UUID, *, keep_on_server: bool = False) -> Connection:
    """Delete the connection here and its instance on the server; what was said stays.

    `keep_on_server` leaves the instance alone, for servers that are gone too. Raises ServerRefused,
    and then the connection is still there.
    """
    connection = living(public_id)
    if connection.is_managed and connection.server_id is not None:
        with _left_alone(connection):
            _clear_server(connection, keep=keep_on_server)
    shelf.clear(public_id)
    with transaction.atomic():
        take_turn()
        was_default = connection.is_default
        routes.close_route(route_id=public_id)
        lanes.pause(public_id)
        _bury(connection)
        if was_default:
            _choose_default()
        kept = ["", "instance" if keep_on_server else ""]
        write_down("connection.removed", connection, kept=kept)
        emit(ConnectionStateChanged(connection.pk, Connection.State.REMOVED))
    _cancel_waiting(connection)
    close_line(connection)
    return connection


@contextmanager
def _left_alone(connection: Connection) -> Iterator[None]:
    """Keep a watcher from bringing up what is being taken down.

    Only its next try is put off: the wish is given up once the server obeyed, so that a refusal, or
    a crash in here, leaves a session that is looked after.
    """
    rows, then = Connection.objects.filter(pk=connection.pk), timezone.now() + _ASKING_TAKES
    rows.update(next_retry_at=then)
    try:
        yield
    except ServerRefused:
        rows.filter(next_retry_at=then).update(next_retry_at=connection.next_retry_at)
        raise


def _clear_server(connection: Connection, *, keep: bool) -> None:
    try:
        with asking(connection):
            instance = reaching.reach(connection)
            if keep:
                webhooks.unset(connection, instance)
            else:
                evolution().logout(instance)
                evolution().delete(instance)
    except ServerRefused as refusal:
        # Who keeps the instance does so because the server is gone, too.
        if not keep and refusal.code != "missing_instance":
            raise


def _bury(connection: Connection) -> None:
    """Give name and place on the server free; the instance's name still fits its raw events."""
    values: dict[str, Any] = {
        "name": f"{connection.name[:60]} ({connection.public_id.hex[-8:]})",
        "server_url": f"removed:{connection.public_id}",
        "server_id": None,
        "api_key": None,
        "state": Connection.State.REMOVED,
        "state_at": timezone.now(),
        "is_default": False,
        "is_active": False,
        "wants_session": False,
        "next_retry_at": None,
        "removed_at": timezone.now(),
    }
    for name, value in values.items():
        setattr(connection, name, value)
    connection.save(update_fields=[*values, "updated_at"])


def _cancel_waiting(connection: Connection) -> None:
    """What nothing will send any more must not look as if it would."""
    waiting = Outgoing.objects.filter(connection=connection, state=Outgoing.State.QUEUED)
    for public_id in list(waiting.order_by("pk").values_list("public_id", flat=True)):
        with suppress(Conflict):
            cancel(public_id)


def _choose_default() -> None:
    heir = Connection.objects.filter(removed_at=None).order_by("pk").first()
    if heir is not None:
        Connection.objects.filter(pk=heir.pk).update(is_default=True)
