"""The types that messaging itself offers."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from messaging.events import ConnectionStateChanged, IncidentClosed, IncidentOpened
from messaging.models import Connection, Incident
from messaging.services.health.alerts import note_told
from messaging.services.webhooks_out.kinds import EventType, register_event_type


def register_offered() -> None:
    """Offer incidents and states of connections."""
    register_event_type(
        IncidentOpened,
        EventType(
            "incident.opened",
            _("A number is lost"),
            _("It stopped hearing or sending, or works badly"),
            _incident,
            _told,
        ),
    )
    register_event_type(
        IncidentClosed,
        EventType("incident.closed", _("A number is back"), _("The incident is over"), _incident),
    )
    register_event_type(
        ConnectionStateChanged,
        EventType(
            "connection.state_changed",
            _("State of a connection"),
            _("Connected, disconnected, waiting for a code, removed"),
            _state,
        ),
    )


def _incident(payload: dict[str, Any]) -> dict[str, Any] | None:
    one = Incident.objects.select_related("connection").filter(pk=payload["incident_id"]).first()
    if one is None:
        return None
    return {
        "incident_id": str(one.public_id),
        "connection_id": str(one.connection.public_id),
        "kind": one.kind,
        "severity": one.severity,
        "started_at": _utc(one.started_at),
        "ended_at": _utc(one.ended_at) if one.ended_at else None,
    }


def _told(data: dict[str, Any], at: datetime) -> None:
    note_told(Incident.objects.filter(public_id=data["incident_id"]), {"webhook": at.isoformat()})


def _state(payload: dict[str, Any]) -> dict[str, Any] | None:
    one = Connection.objects.filter(pk=payload["connection_id"]).first()
    if one is None:
        return None
    return {"connection_id": str(one.public_id), "state": payload["state"]}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
