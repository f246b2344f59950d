"""How servers, pairing, health, incidents and repairs look outside."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from evosense.core.rest import Fields, PageQuery, Query, UtcDateTimeField
from messaging.gateway.lanes import lane_views
from messaging.gateway.models import Lane
from messaging.models import Connection, GapRepair, HealthLog, Incident
from messaging.selectors.connections import ConnectionView
from messaging.selectors.outgoing import queue_depths

CONNECTION_STATES = Connection.State.values
SEVERITIES = ["degraded", "down"]
HEALTH = ["", "healthy", "degraded", "down"]
PAIRING_STATES = [
    "none",
    "creating",
    "waiting",
    "code_waiting",
    "scanned",
    "connected",
    "lost",
    "expired",
    "wrong_number",
    "already_open",
    "banned",
    "refused",
    "provider_error",
    "server_down",
    "bad_key",
]


class LaneSerializer(serializers.Serializer[Any]):
    """The sending line of a number."""

    state = serializers.ChoiceField(choices=Lane.State.values)
    reason = serializers.CharField(help_text="A code; empty while open.")
    due_at = UtcDateTimeField(allow_null=True, help_text="When it is looked at next.")
    waiting = serializers.IntegerField(help_text="Messages that wait to be sent.")


class ServerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField(help_text="Empty for a server of the house.")
    is_own = serializers.BooleanField()
    has_key = serializers.BooleanField()
    version = serializers.CharField()
    problem = serializers.CharField(help_text="A code; empty when all is well.")
    probed_at = UtcDateTimeField(allow_null=True)
    is_resting = serializers.BooleanField(help_text="Left alone because it does not answer.")
    is_active = serializers.BooleanField()


class ServerListSerializer(serializers.Serializer[Any]):
    results = ServerSerializer(many=True)


class ServerInputSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    url = serializers.CharField(max_length=300)
    api_key = serializers.CharField(max_length=500, help_text="Never answered.")


class ServerChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    url = serializers.CharField(max_length=300, required=False)
    api_key = serializers.CharField(max_length=500, required=False)
    is_active = serializers.BooleanField(required=False)


class InstanceSettingsSerializer(Fields):
    groups_ignore = serializers.BooleanField(required=False)
    reject_call = serializers.BooleanField(required=False)
    call_text = serializers.CharField(max_length=200, required=False, allow_blank=True)
    always_online = serializers.BooleanField(required=False)
    read_messages = serializers.BooleanField(required=False)
    read_status = serializers.BooleanField(required=False)
    sync_full_history = serializers.BooleanField(required=False)


class ForeignInstanceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.CharField()
    number = serializers.CharField()
    profile_name = serializers.CharField()
    integration = serializers.CharField()
    connection = serializers.UUIDField(source="connection_id", allow_null=True)
    is_taken = serializers.BooleanField(help_text="Another company uses it.")


class ForeignInstanceListSerializer(serializers.Serializer[Any]):
    results = ForeignInstanceSerializer(many=True)


class ServerConnectionInputSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    number = serializers.CharField(max_length=40, required=False)
    settings = InstanceSettingsSerializer(required=False, help_text="For a new instance.")
    instance = serializers.CharField(
        max_length=120, required=False, help_text="Take over this one instead of making one."
    )
    take_over = serializers.BooleanField(
        required=False, help_text="Also when it posts its events elsewhere now."
    )


class ConnectionChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    is_default = serializers.BooleanField(
        required=False, help_text="Only true: another one becomes the default instead."
    )
    allows_bulk = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False, help_text="False: refuse all events.")
    muted_until = UtcDateTimeField(required=False, allow_null=True)
    silence_minutes = serializers.IntegerField(required=False, allow_null=True)


class RemovalQuery(Query):
    keep_on_server = serializers.BooleanField(
        required=False, allow_null=False, help_text="Leave the instance on its server."
    )


class PairingInputSerializer(serializers.Serializer[Any]):
    by_code = serializers.BooleanField(
        required=False, help_text="A code to type on the phone instead of a QR code."
    )


class PairingSerializer(serializers.Serializer[Any]):
    """How far pairing is. Codes are never stored: ask again for the next one."""

    state = serializers.ChoiceField(choices=PAIRING_STATES)
    qr_image = serializers.CharField(help_text="Data URI of a PNG; empty when there is none.")
    pairing_code = serializers.CharField()
    sequence = serializers.IntegerField(help_text="Grows with every code.")
    shown_at = UtcDateTimeField(allow_null=True)
    expires_at = UtcDateTimeField(allow_null=True)
    count = serializers.IntegerField()
    tries_left = serializers.IntegerField()
    problem = serializers.CharField(help_text="A code; empty when nothing went wrong.")
    words = serializers.CharField()
    expected_tail = serializers.CharField()
    paired_tail = serializers.CharField()
    number = serializers.CharField()
    profile_name = serializers.CharField()


class SignalSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    status = serializers.CharField(help_text="ok, warn, bad, unknown or off.")
    code = serializers.CharField()
    words = serializers.CharField()


class HealthRowSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Of the connection.")
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=CONNECTION_STATES)
    health = serializers.ChoiceField(choices=HEALTH, help_text="Empty before the first look.")
    checked_at = UtcDateTimeField(source="health_at", allow_null=True)
    signals = SignalSerializer(many=True)
    muted_until = UtcDateTimeField(allow_null=True)


class HealthEntrySerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    check = serializers.ChoiceField(choices=HealthLog.Check.values)
    code = serializers.CharField()
    words = serializers.CharField()
    response_ms = serializers.IntegerField(allow_null=True)
    at = UtcDateTimeField()


class HealthSerializer(serializers.Serializer[Any]):
    health = serializers.ChoiceField(choices=HEALTH, help_text="Empty before the first look.")
    since = UtcDateTimeField(allow_null=True)
    checked_at = UtcDateTimeField(allow_null=True)
    reason = serializers.CharField()
    signals = SignalSerializer(many=True)
    log = HealthEntrySerializer(many=True)
    muted_until = UtcDateTimeField(allow_null=True)
    silence_minutes = serializers.IntegerField(allow_null=True)


class IncidentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    connection = serializers.UUIDField(source="connection_id")
    kind = serializers.ChoiceField(choices=Incident.Kind.values)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    code = serializers.CharField()
    words = serializers.CharField()
    started_at = UtcDateTimeField()
    detected_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(allow_null=True)
    loss_from = UtcDateTimeField(allow_null=True)
    loss_until = UtcDateTimeField(allow_null=True)
    recovered = serializers.IntegerField(help_text="Messages that a repair brought back.")
    seen_at = UtcDateTimeField(allow_null=True)


class IncidentQuery(PageQuery):
    connection = serializers.UUIDField(required=False)
    open = serializers.BooleanField(required=False, allow_null=False)


class RepairInputSerializer(serializers.Serializer[Any]):
    since = UtcDateTimeField(required=False, help_text="Default: a day before `until`.")
    until = UtcDateTimeField(required=False, help_text="Default: now.")


class RepairSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    connection = serializers.UUIDField(source="connection_id")
    incident = serializers.UUIDField(source="incident_id", allow_null=True)
    reason = serializers.CharField()
    since = UtcDateTimeField()
    until = UtcDateTimeField()
    state = serializers.ChoiceField(choices=GapRepair.State.values)
    percent = serializers.IntegerField()
    seen = serializers.IntegerField()
    missing = serializers.IntegerField()
    recovered = serializers.IntegerField()
    error = serializers.CharField()
    created_at = UtcDateTimeField()
    finished_at = UtcDateTimeField(allow_null=True)


class RepairListSerializer(serializers.Serializer[Any]):
    results = RepairSerializer(many=True)


class WithLaneSerializer(serializers.Serializer[Any]):
    """Adds the sending line; the view gives it in the context (`lanes_of`)."""

    lane = serializers.SerializerMethodField()

    @extend_schema_field(LaneSerializer(allow_null=True))
    def get_lane(self, row: ConnectionView) -> Any:
        found = self.context.get("lanes", {}).get(row.id)
        if found is None:
            return None
        waiting = self.context["waiting"].get(row.id, 0)
        shown = {name: getattr(found, name) for name in ("state", "reason", "due_at")}
        return LaneSerializer({**shown, "waiting": waiting}).data


def lanes_of(views: Iterable[ConnectionView]) -> dict[str, Any]:
    """Return the context with which connections show their sending lines."""
    ids = [row.id for row in views]
    return {"lanes": lane_views(ids), "waiting": queue_depths(ids)}
