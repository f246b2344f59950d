"""Pairing a phone: started by a person, never by itself, and never twice at once.

The code of the answer and the codes of later events lie on the shelf; how it ended is in the row.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid
from evosense.core.locks import try_named_lock
from evosense.core.schema import after_commit, current_tenant
from messaging.gateway.client.answers import ConnectAnswer
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.ingest.apply.batch import lock_key
from messaging.ingest.apply.context import key_of
from messaging.ingest.apply.state import hint
from messaging.models import Connection
from messaging.selectors.connections import living
from messaging.services.lifecycle import reaching, shelf
from messaging.services.lifecycle.creating import finish
from messaging.services.lifecycle.observing import observe_state
from messaging.services.lifecycle.pairing_view import pairing_view
from messaging.services.lifecycle.problems import asking, note
from messaging.services.lifecycle.row import managed
from messaging.services.lifecycle.views import CODE_SECONDS, PairingView
from messaging.services.trail import write_down
from messaging.sql import Sql
from tenancy.services import routes

# A code that was shown so lately is not made again by a second click.
_FRESH = timedelta(seconds=CODE_SECONDS - 10)
_DONE = frozenset({"connected", "already_open", "wrong_number"})


def start_pairing(public_id: UUID, *, by_code: bool = False) -> PairingView:
    """Ask the server for codes because a person wants the number connected.

    With `by_code` also for a code to type on the phone, which needs the number on record. A second
    click while a code is being shown changes nothing. What the server does wrong is in the view.
    Raises Conflict while somebody begins otherwise.
    """
    connection = living(public_id)
    if by_code and not connection.number:
        message = _("A code to type needs the number of the phone. Add it to the connection first.")
        raise Invalid("number_missing", message, field="number")
    with _turn(public_id, "code" if by_code else "picture") as is_ours:
        if is_ours and not _is_shown(connection, by_code=by_code):
            _start(connection, by_code=by_code)
    return _seen(public_id, is_ours=is_ours)


def recreate_session(public_id: UUID) -> PairingView:
    """Delete the instance on its server, make it anew under its name and start pairing.

    For sessions that give no code any more. History and settings stay here. Raises Conflict while
    somebody begins otherwise.
    """
    connection = managed(public_id)
    with _turn(public_id, "anew") as is_ours:
        if is_ours:
            with asking(connection):
                evolution().delete(reaching.reach(connection))
            _begin(connection, "connection.session_recreated")
            _make_anew(connection)
            _ask(connection, by_code=False)
    return _seen(public_id, is_ours=is_ours)


def accept_number(public_id: UUID) -> Connection:
    """Make the number that paired the one on record, which ends the quarantine.

    Events that were held back meanwhile can be replayed; they are not taken in by themselves.
    """
    with transaction.atomic():
        Sql().rows("SELECT pg_advisory_xact_lock(%s)", [lock_key(public_id)])
        connection = living(public_id)
        paired = connection.paired_number
        if connection.quarantined_at is None or not paired:
            raise Conflict("not_quarantined", _("No other number is waiting for a decision."))
        connection.number = paired
        connection.own_hmac = key_of(f"{paired}@s.whatsapp.net")
        connection.own_lid_hmac = None
        connection.quarantined_at, connection.quarantine_reason = None, ""
        connection.paired_number, connection.last_error = None, ""
        connection.save()
        write_down("connection.number_accepted", connection)
        tenant_id = current_tenant().id
        after_commit(lambda: hint(tenant_id, public_id))
    with suppress(Conflict):
        _look(connection)
    return living(public_id)


@contextmanager
def _turn(public_id: UUID, wish: str) -> Iterator[bool]:
    """Yield whether this caller begins; False when another one does the same at this moment.

    The server is asked for seconds, and a double click or a second window comes meanwhile.
    """
    with try_named_lock(f"pairing:{public_id}:{wish}") as is_wished_once:
        if not is_wished_once:
            yield False
            return
        with try_named_lock(f"pairing:{public_id}") as is_ours:
            if not is_ours:
                message = _("This number is being paired at this moment. Wait for its code.")
                raise Conflict("pairing_under_way", message)
            yield True


def _seen(public_id: UUID, *, is_ours: bool) -> PairingView:
    """Return the view; whoever came second must not read how an earlier pairing ended."""
    view = pairing_view(public_id)
    if is_ours or not view.is_over or view.state in _DONE:
        return view
    return replace(view, state="creating", problem="", words="")


def _is_shown(connection: Connection, *, by_code: bool) -> bool:
    """Tell whether a code of this pairing can still be read; one that ended says so on the row."""
    if not connection.wants_session or connection.last_error:
        return False
    found = shelf.look(connection.public_id)
    is_fresh = found.shown_at is not None and timezone.now() - found.shown_at < _FRESH
    return is_fresh and bool(found.typed if by_code else found.image)


def _start(connection: Connection, *, by_code: bool) -> None:
    _begin(connection, "connection.pairing_started")
    try:
        with asking(connection):
            finish(connection)
    except Conflict:
        # Noted on the row, from where the view says it.
        return
    else:
        _ask(connection, by_code=by_code)


def _begin(connection: Connection, action: str) -> None:
    """Note the wish of a person; whatever failed before is forgotten."""
    shelf.begin(connection.public_id)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(
            wants_session=True,
            last_error="",
            retry_count=0,
            next_retry_at=None,
            # Whoever pairs anew has decided about the strange number.
            paired_number=None,
        )
        write_down(action, connection)


def _ask(connection: Connection, *, by_code: bool) -> None:
    try:
        with asking(connection):
            instance = reaching.reach(connection)
            answer = _connect(connection, instance, by_code=by_code)
        _take(connection, answer)
    except Conflict:
        # Noted on the row, from where the view says it.
        return


def _connect(connection: Connection, instance: Instance, *, by_code: bool) -> ConnectAnswer:
    number = (connection.number or "") if by_code else ""
    try:
        answer = evolution().connect(instance, number=number)
    except EvolutionError as error:
        if error.code != "missing_instance" or not connection.is_managed:
            raise
        _make_anew(connection)
        return evolution().connect(reaching.reach(connection), number=number)
    if by_code and answer.code and not answer.pairing_code:
        # Codes are being shown already, and a number that comes only now is ignored.
        evolution().logout(instance)
        shelf.begin(connection.public_id)
        return evolution().connect(instance, number=number)
    return answer


def _make_anew(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(instance_id="")
    connection.instance_id = ""
    token = routes.offer_token(route_id=connection.public_id, in_use=None)
    reaching.make_instance(connection, token=token)


def _take(connection: Connection, answer: ConnectAnswer) -> None:
    if answer.raw_error:
        note(connection, "provider_error")
    elif answer.state == "open":
        shelf.conclude(connection.public_id, "already_open")
        _look(connection)
    else:
        shelf.put(connection.public_id, answer)


def _look(connection: Connection) -> None:
    """Ask who is paired: the server says so only when it connects, which is over already."""
    with asking(connection):
        found = reaching.remote(reaching.reach(connection), connection.instance)
    if found is not None and found.state == "open":
        observe_state(
            connection.public_id,
            "open",
            own_jid=found.owner_jid,
            profile_name=found.profile_name,
        )
