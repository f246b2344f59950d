"""One look at one connection: tend the session, ask, judge, note, open and close incidents."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from evosense.core.errors import NotFound
from evosense.core.outbox import emit
from messaging.events import ConnectionHealthChanged
from messaging.models import Connection, HealthLog
from messaging.selectors.connections import connection_model, living
from messaging.services import lifecycle
from messaging.services.gaps.requests import fetch_missed, revive
from messaging.services.health import depth, expectation, incidents, logbook, measures, probe
from messaging.services.health.verdict import (
    Finding,
    Standing,
    kinds_of,
    read,
    step,
    stored,
    verdict,
)
from messaging.services.lane_control import close_line

# Twice the longest pause, two probes that run into their time-out and the beats between them stay
# under a minute: within that a number that was cut has its incident.
PAUSE, JITTER = timedelta(seconds=18), timedelta(seconds=6)
# The second look at something that was not as it should be.
SOON = timedelta(seconds=4)
# A connection that was just made is asked soon whether its phone is paired already.
NEW_FOR = timedelta(minutes=2)
# Nothing is asked of a number that is not connected; its session is tended.
LATEST = timedelta(minutes=5)
NEVER, REFUSED = timedelta(days=1), timedelta(minutes=10)
# How often a repair that lost its worker is asked for again.
REVIVE_EVERY = timedelta(minutes=1)
PROVE_EVERY = timedelta(minutes=10)
# Connected numbers are looked at several times a minute.
AWAY = timedelta(minutes=15)
_UP = ("connected", "degraded")


def look(public_id: UUID, *, check: str = "") -> datetime:
    """Look at a connection and return when to look again. Network; never in a transaction.

    `check` names a look by hand in the log; the others name the signal that spoke.
    """
    now = timezone.now()
    try:
        tended = lifecycle.tend_session(public_id)
        connection = connection_model(public_id)
    except NotFound:
        return now + NEVER
    if connection.removed_at is not None:
        close_line(connection)
        return now + NEVER
    if not connection.is_active:
        return now + REFUSED
    if _was_nobody_looking(connection, now):
        fetch_missed(connection, since=connection.health_at or now, reason="outage")
    found = _probe(connection, is_forced=bool(check))
    is_open = found.seen == "open"
    deep = depth.look_deeper(connection, now=now) if is_open else depth.unasked(connection)
    if found.seen and _is_news(connection, found):
        lifecycle.observe_state(public_id, found.seen)
    standing = _conclude(connection.pk, found, check, deep)
    if _is_next(connection, now, REVIVE_EVERY):
        revive(connection)
    if deep.is_undecided:
        return timezone.now() + SOON
    return _next(connection, standing, tended)


def check_now(public_id: UUID) -> Connection:
    """Look because a person asked; counts like every other look. Raises NotFound."""
    living(public_id)
    look(public_id, check=HealthLog.Check.MANUAL)
    return connection_model(public_id)


def _probe(connection: Connection, *, is_forced: bool) -> probe.Probe:
    """Ask what has to be asked: nothing of a number that is down or whose events flow."""
    now = timezone.now()
    if connection.state == Connection.State.INITIALIZING and not is_forced:
        return probe.first(connection)
    if connection.state not in _UP and connection.state != Connection.State.CONNECTING:
        is_lost = connection.state == Connection.State.DISCONNECTED
        if not (is_lost or is_forced):
            return probe.Probe(Finding("probe", "unknown", "unasked"))
    if not is_forced and probe.fresh(connection, now=now) and not connection.health_streak:
        return probe.Probe(Finding("probe", "ok", "fresh"))
    found = probe.ask(connection)
    if found.seen != "open" or expectation.traffic(connection, now=now).status != "warn":
        return found
    past = [one for one in read(connection.health_signals) if one.code in ("proven", "unproven")]
    # WhatsApp is not asked at every look of a silence that may last for hours.
    if past and not connection.health_streak and not _is_next(connection, now, PROVE_EVERY):
        return replace(found, finding=past[0])
    return probe.prove(connection, found)


def _is_next(connection: Connection, now: datetime, period: timedelta) -> bool:
    return logbook.is_next(connection.health_at, now, period)


def _was_nobody_looking(connection: Connection, now: datetime) -> bool:
    """Tell whether the house itself was away: Evolution gives events up after twenty minutes."""
    last = connection.health_at
    return last is not None and now - last > AWAY and connection.state in _UP


def _is_news(connection: Connection, found: probe.Probe) -> bool:
    """Tell whether the server says otherwise than its events did, for the second time.

    One disagreement may be an event that is on its way; before the first there is none to wait
    for: an instance that was paired long ago tells nothing until something happens.
    """
    if connection.state == Connection.State.INITIALIZING:
        return found.seen == "open"
    is_up = connection.state in _UP
    before = [one.code for one in read(connection.health_signals) if one.signal == "probe"]
    code = {"missing": "missing_instance"}.get(found.seen, found.seen)
    agrees = {"open": is_up, "connecting": True, "close": not is_up}.get(found.seen, False)
    return not agrees and code in before


def _conclude(pk: int, found: probe.Probe, check: str, deep: depth.Depth) -> Standing:
    """Judge and write, as one step: looks at the same connection wait for each other here."""
    now = timezone.now()
    with transaction.atomic():
        connection = Connection.objects.select_for_update(no_key=True).get(pk=pk)
        findings = _findings(connection, found, deep, now)
        if findings[0].status == "unknown":
            # Being paired or coming up: neither well nor ill, so nothing opens and nothing closes.
            return Standing(connection.health, connection.health_streak)
        before = read(connection.health_signals)
        old = Standing(connection.health, connection.health_streak)
        standing = step(old, before=verdict(before), now=verdict(findings))
        Connection.objects.filter(pk=pk).update(
            health=standing.health,
            health_streak=standing.streak,
            health_signals=stored(findings),
            health_at=now,
        )
        if standing.health:
            logbook.note(
                connection,
                status=standing.health,
                before=before,
                findings=findings,
                check=check,
                milliseconds=found.milliseconds,
                now=now,
            )
        if standing.health != old.health:
            emit(ConnectionHealthChanged(pk, standing.health))
        _follow(connection, standing, before, findings, now)
    return standing


def _findings(
    connection: Connection, found: probe.Probe, deep: depth.Depth, now: datetime
) -> list[Finding]:
    is_up = connection.state in _UP
    unknown = Finding("traffic", "unknown", "unknown")
    return [
        measures.events(connection, now=now),
        found.finding,
        measures.acks(connection, now=now),
        expectation.traffic(connection, now=now) if is_up else unknown,
        measures.silence(connection, now=now),
        measures.webhook(connection, lost_at=deep.lost_at or depth.known_lost(connection)),
        deep.finding,
    ]


def _follow(
    connection: Connection,
    standing: Standing,
    before: list[Finding],
    findings: list[Finding],
    now: datetime,
) -> None:
    """Open what was bad twice, close what was good long enough."""
    present, past = kinds_of(findings), kinds_of(before)
    if not standing.streak:
        for kind in present.keys() & past.keys():
            _open(connection, kind, present[kind], now)
    ended = incidents.open_kinds(connection) - present.keys() - past.keys()
    if ended and not standing.streak:
        incidents.close_incidents(connection, kinds=ended, now=now)


def _open(connection: Connection, kind: str, finding: Finding, now: datetime) -> None:
    is_event = finding.signal == "events"
    cause = incidents.Cause(
        kind=kind,
        severity=finding.severity,
        code="session_closed" if finding.code == "close" else finding.code,
        started_at=connection.state_at if is_event else now,
        details={"signal": finding.signal, "value": finding.value},
    )
    incidents.open_incident(connection, cause)


def _next(connection: Connection, standing: Standing, tended: datetime | None) -> datetime:
    now = timezone.now()
    if standing.streak:
        return now + SOON
    if connection.state == Connection.State.CONNECTING:
        return now + SOON * 3
    if connection.state in _UP:
        return now + PAUSE + JITTER * random.random()  # noqa: S311
    is_new = now - connection.created_at < NEW_FOR
    if connection.state == Connection.State.INITIALIZING and is_new:
        return now + SOON
    at = tended or now + LATEST
    return max(now + SOON, min(at, now + LATEST))
