"""The active probe: what the server itself says of a session. Network; never in a transaction."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from evosense.core.errors import NotFound
from messaging.gateway import breaker
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.timing import PROBE_SECONDS
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import Unreachable, instance_of, server_row
from messaging.models import Connection
from messaging.services.health.suspects import Suspects
from messaging.services.health.verdict import Finding

# Events that came so lately are a better proof than any question.
FRESH = timedelta(seconds=10)
# What says nothing about the number: nobody can ask, or nothing was paired yet.
_UNASKABLE = frozenset(
    {
        "no_server",
        "no_key",
        "server_inactive",
        "not_probed",
        "never_connected",
        "not_connected",
        "egress_busy",
    }
)
# The server, not the instance, is at fault; its breaker is told.
_OF_SERVER = frozenset(
    {"connect_failed", "name_unknown", "tls_failed", "broken_answer", "license_required"}
)
_suspects = Suspects()


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking. `seen` is open, connecting, close or missing where the server told."""

    finding: Finding
    seen: str = ""
    milliseconds: int | None = None


def fresh(connection: Connection, *, now: datetime) -> bool:
    """Tell whether events came so lately that there is nothing to ask."""
    last = connection.last_event_at
    return last is not None and now - last < FRESH and connection.state == "connected"


def first(connection: Connection) -> Probe:
    """Ask after a connection that never told its state; only an open session is an answer."""
    found = ask(connection)
    is_open = found.seen == "open"
    return found if is_open else Probe(Finding("probe", "unknown", "unasked"))


def ask(connection: Connection) -> Probe:
    """Ask the server for the state of the session."""
    try:
        instance = instance_of(connection)
        server = server_row(instance.server_id)
    except (Unreachable, NotFound) as refusal:
        return _failed(refusal.code)
    if not breaker.available(server):
        return _failed("server_down")
    started = time.monotonic()
    try:
        state = evolution().connection_state(instance, seconds=PROBE_SECONDS)
    except EvolutionError as error:
        _note_failure(server, instance, error.code)
        return _failed(error.code, milliseconds=_since(started))
    _answered(server)
    return _told(state, _since(started))


def prove(connection: Connection, probe: Probe) -> Probe:
    """Ask WhatsApp something through a session that claims to be open.

    Evolution keeps the state in memory and says `open` of dead sockets (#2443, #2647). The own
    picture comes from WhatsApp; a number without one cannot prove life this way.
    """
    if probe.seen != "open" or not connection.number:
        return probe
    try:
        instance = instance_of(connection)
        picture = evolution().profile_picture(instance, connection.number)
    except (EvolutionError, Unreachable):
        picture = None
    code, status = ("proven", "ok") if picture else ("unproven", "warn")
    return Probe(Finding("probe", status, code), probe.seen, probe.milliseconds)


def _told(state: str, milliseconds: int) -> Probe:
    if state == "open":
        return Probe(Finding("probe", "ok", "open"), "open", milliseconds)
    if state == "connecting":
        return Probe(Finding("probe", "warn", "connecting"), "connecting", milliseconds)
    if state == "close":
        return Probe(Finding("probe", "bad", "close"), "close", milliseconds)
    return Probe(Finding("probe", "unknown", "never_connected"), "", milliseconds)


def _failed(code: str, *, milliseconds: int | None = None) -> Probe:
    status = "unknown" if code in _UNASKABLE else "bad"
    seen = "missing" if code == "missing_instance" else ""
    return Probe(Finding("probe", status, code), seen, milliseconds)


def _note_failure(server: EvolutionServer, instance: Instance, code: str) -> None:
    if code == "timed_out":
        if _suspects.is_server(server.pk, instance.name):
            breaker.note_failure(server.pk, code)
    elif code in _OF_SERVER:
        breaker.note_failure(server.pk, code)
    elif code != "egress_busy":
        _answered(server)


def _answered(server: EvolutionServer) -> None:
    _suspects.clear(server.pk)
    if server.breaker_failures or server.breaker != EvolutionServer.Breaker.CLOSED:
        breaker.note_success(server.pk)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
