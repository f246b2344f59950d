from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7


class Connection(models.Model):
    """One WhatsApp number on one Evolution instance."""

    class State(models.TextChoices):
        INITIALIZING = "initializing", _("Waiting for the first event")
        QR_PENDING = "qr_pending", _("Waiting for the code to be read")
        CONNECTING = "connecting", _("Connecting")
        CONNECTED = "connected", _("Connected")
        DEGRADED = "degraded", _("Unstable")
        DISCONNECTED = "disconnected", _("Disconnected")
        LOGGED_OUT = "logged_out", _("Removed on the phone")
        BANNED = "banned", _("Blocked by WhatsApp")
        REMOVED = "removed", _("Removed from the server")

    # The id in the webhook address and in the API; the same as the shared WebhookRoute.id.
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=80)
    instance = models.CharField(max_length=120)
    server_url = models.URLField(max_length=300, blank=True, default="")
    api_key = EncryptedTextField(null=True)
    # Own number as registered by the tenant, digits; compared with the number that pairs.
    number = EncryptedTextField(null=True)
    own_hmac = models.BinaryField(max_length=32, null=True)
    own_lid_hmac = models.BinaryField(max_length=32, null=True)
    profile_name = models.CharField(max_length=160, blank=True, default="")
    color = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State.choices, default=State.INITIALIZING)
    state_code = models.IntegerField(null=True)
    state_at = models.DateTimeField(db_default=Now())
    quarantined_at = models.DateTimeField(null=True)
    quarantine_reason = models.CharField(max_length=40, blank=True, default="")
    last_event_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="messaging_connection_name_unique"),
            models.UniqueConstraint(
                fields=["server_url", "instance"], name="messaging_connection_instance_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "initializing",
                        "qr_pending",
                        "connecting",
                        "connected",
                        "degraded",
                        "disconnected",
                        "logged_out",
                        "banned",
                        "removed",
                    ]
                ),
                name="messaging_connection_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ConnectionEvent(models.Model):
    """One change of state, kept as the connection's history."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    state = models.CharField(max_length=16)
    code = models.IntegerField(null=True)
    detail = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    # The raw event that caused it; unique, so that a replay writes nothing twice.
    raw_event_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "raw_event_id", "state"],
                name="messaging_connectionevent_once",
            )
        ]
        indexes = [
            models.Index(fields=["connection", "-at"], name="messaging_connevent_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.state}"
