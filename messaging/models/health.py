from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.ids import uuid7
from messaging.models.connection import Connection


class HealthLog(models.Model):
    """What one look at a connection found (`instance_health_log` of the source schema)."""

    class Check(models.TextChoices):
        EVENT = "event", _("Event of the server")
        PROBE = "probe", _("Active probe")
        ACKS = "acks", _("Progress of receipts")
        TRAFFIC = "traffic", _("Expected traffic")
        SILENCE = "silence", _("Silence")
        WEBHOOK = "webhook", _("Webhook")
        MANUAL = "manual", _("By hand")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    # healthy, degraded, down
    status = models.CharField(max_length=10)
    check_type = models.CharField(max_length=8, choices=Check.choices)
    response_ms = models.PositiveIntegerField(null=True)
    # A code of ours; the page says it in words.
    error = models.CharField(max_length=60, blank=True, default="")
    details = models.JSONField(default=dict)
    checked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["healthy", "degraded", "down"]),
                name="messaging_healthlog_status_known",
            )
        ]
        indexes = [
            models.Index(fields=["connection", "-checked_at"], name="messaging_healthlog_recent"),
            models.Index(fields=["checked_at"], name="messaging_healthlog_age"),
        ]

    def __str__(self) -> str:
        return f"{self.status} of {self.connection_id}"


class Incident(models.Model):
    """A time in which a connection did not hear, or could not send."""

    class Kind(models.TextChoices):
        DISCONNECTED = "disconnected", _("Disconnected")
        LOGGED_OUT = "logged_out", _("Removed on the phone")
        BANNED = "banned", _("Blocked by WhatsApp")
        WRONG_NUMBER = "wrong_number", _("Another number was paired")
        SERVER_DOWN = "server_down", _("Server does not answer")
        REMOVED = "removed", _("Removed from the server")
        WEBHOOK = "webhook", _("Events do not arrive")
        SILENCE = "silence", _("Unexpected silence")
        ACKS = "acks", _("Messages are not confirmed")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="incidents", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # degraded, down
    severity = models.CharField(max_length=8)
    code = models.CharField(max_length=60, blank=True, default="")
    details = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    detected_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    # Messages of this time may be missing; null when nothing can have been lost.
    loss_from = models.DateTimeField(null=True)
    loss_until = models.DateTimeField(null=True)
    recovered = models.PositiveIntegerField(default=0)
    # How people were told: {"app", "email", "webhook"} → time.
    told = models.JSONField(default=dict)
    seen_by_user_id = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind"],
                condition=models.Q(ended_at__isnull=True),
                name="messaging_incident_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=["degraded", "down"]),
                name="messaging_incident_severity_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "-started_at", "-id"], name="messaging_incident_recent"
            ),
            models.Index(fields=["-started_at", "-id"], name="messaging_incident_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}"


class GapRepair(models.Model):
    """One reading of a server's own store for what we may have missed."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="repairs", db_index=False
    )
    incident = models.ForeignKey(
        Incident, null=True, on_delete=models.SET_NULL, related_name="repairs"
    )
    # reconnected, outage, silence, manual
    reason = models.CharField(max_length=16)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    # Where the next page begins; a crash goes on from here.
    page = models.PositiveIntegerField(default=1)
    pages = models.PositiveIntegerField(null=True)
    seen = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    recovered = models.PositiveIntegerField(default=0)
    chats = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=60, blank=True, default="")
    actor_user_id = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=models.Q(state__in=["queued", "running"]),
                name="messaging_gaprepair_one_active",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
                name="messaging_gaprepair_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "-id"], name="messaging_gaprepair_recent"),
        ]

    def __str__(self) -> str:
        return f"repair {self.pk}"
