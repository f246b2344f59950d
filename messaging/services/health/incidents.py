"""Incidents: opened and closed once, however often the cause is seen.

Call everything here in the transaction that saw the cause, inside the tenant. An open incident is
unique for its connection and kind; opening it again changes nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import NotFound
from evosense.core.outbox import emit
from messaging.events import IncidentClosed, IncidentOpened
from messaging.models import Connection, Incident
from messaging.services.gaps import requests
from messaging.services.gaps.requests import acting_person
from messaging.services.health.alerts import tell_closed, tell_late, tell_opened
from messaging.services.health.house import tell_house
from messaging.services.trail import write_down

Kind = Incident.Kind
# In these times nothing can have been missed: what we sent is not confirmed, that is all.
_WITHOUT_LOSS = frozenset({Kind.ACKS})
# Events on their way when the session ended come before the last one that we know of.
_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an incident is opened; `code` is of ours (`selectors.health_words`)."""

    kind: str
    severity: str
    code: str
    started_at: datetime
    details: dict[str, Any]


def open_incident(connection: Connection, cause: Cause) -> Incident | None:
    """Open an incident; None when one of its kind is open already, which is then kept."""
    values = {
        "connection": connection,
        "kind": cause.kind,
        "severity": cause.severity,
        "code": cause.code[:60],
        "details": cause.details,
        "started_at": cause.started_at,
        "loss_from": _loss_from(connection, cause),
    }
    created = Incident.objects.bulk_create([Incident(**values)], ignore_conflicts=True)[0]
    found = Incident.objects.filter(public_id=created.public_id).first()
    if found is None:
        _worsen(connection, cause)
        return None
    emit(IncidentOpened(connection.pk, found.pk, found.kind))
    tell_opened(connection, found)
    tell_house()
    return found


def close_incidents(
    connection: Connection, *, kinds: Collection[str], now: datetime, fetches: bool = True
) -> list[Incident]:
    """End the open incidents of these kinds and have what may be missing fetched."""
    rows = Incident.objects.select_for_update().filter(
        connection=connection, ended_at=None, kind__in=kinds
    )
    found = list(rows.order_by("pk"))
    for one in found:
        one.ended_at = now
        one.loss_until = now if one.loss_from else None
        one.save(update_fields=["ended_at", "loss_until"])
        emit(IncidentClosed(connection.pk, one.pk, one.kind))
        tell_closed(connection, one)
    if found:
        tell_house()
    lossy = [one for one in found if one.loss_from is not None]
    if lossy and fetches:
        _repair(connection, lossy, now)
    return found


def bury(connection: Connection, *, now: datetime) -> None:
    """End what is open for a connection that was removed; there is nothing to tell or to fetch."""
    for one in Incident.objects.select_for_update().filter(connection=connection, ended_at=None):
        Incident.objects.filter(pk=one.pk).update(ended_at=now)
        emit(IncidentClosed(connection.pk, one.pk, one.kind))
    tell_house()


def open_kinds(connection: Connection) -> set[str]:
    """Return the kinds of incident that are open, and tell of those that were muted until now."""
    rows = list(Incident.objects.filter(connection=connection, ended_at=None))
    tell_late(connection, rows)
    return {one.kind for one in rows}


def acknowledge(incident_id: UUID) -> Incident:
    """Note that a person has seen an incident; raises NotFound. The first one stays."""
    with transaction.atomic():
        rows = Incident.objects.select_for_update(of=("self",)).select_related("connection")
        found = rows.filter(public_id=incident_id).first()
        if found is None:
            raise NotFound("incident_not_found", _("This incident does not exist."))
        if found.seen_at is None:
            found.seen_at, found.seen_by_user_id = timezone.now(), acting_person()
            found.save(update_fields=["seen_at", "seen_by_user_id"])
            write_down("incident.seen", found.connection, kind=["", found.kind])
    return found


def _worsen(connection: Connection, cause: Cause) -> None:
    """An unstable connection that is down now: the same incident, said more gravely."""
    if cause.severity == "down":
        Incident.objects.filter(
            connection=connection, kind=cause.kind, ended_at=None, severity="degraded"
        ).update(severity="down", code=cause.code[:60])


def _loss_from(connection: Connection, cause: Cause) -> datetime | None:
    if cause.kind in _WITHOUT_LOSS:
        return None
    last = connection.last_event_at or cause.started_at
    return min(last, cause.started_at) - _MARGIN


def _repair(connection: Connection, lossy: list[Incident], now: datetime) -> None:
    first = min(lossy, key=lambda one: one.loss_from or now)
    reason = "silence" if first.kind == Kind.SILENCE else "outage"
    requests.ask_for_repair(
        connection, since=first.loss_from or now, until=now, reason=reason, incident=first
    )
