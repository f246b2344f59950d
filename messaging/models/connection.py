from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext as _now
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
    # `gateway.EvolutionServer.id`; null: made by hand, only the webhook is known.
    server_id = models.UUIDField(null=True)
    # The instance's own token or the key that was typed in; goes before the server's key.
    api_key = EncryptedTextField(null=True)
    # Evolution's own id of the instance.
    instance_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    # WHATSAPP-BAILEYS, or WHATSAPP-BUSINESS (Meta's own channel): what it can send differs.
    integration = models.CharField(
        max_length=24, default="WHATSAPP-BAILEYS", db_default="WHATSAPP-BAILEYS"
    )
    # Whether we made or adopted the instance, and so keep its webhook and its session in order.
    is_managed = models.BooleanField(default=False, db_default=False)
    is_default = models.BooleanField(default=False, db_default=False)
    allows_bulk = models.BooleanField(default=True, db_default=True)
    # Instance settings as wanted: groups_ignore, reject_call, call_text, always_online,
    # read_messages, read_status, sync_full_history.
    settings = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Own number as registered by the tenant, digits; compared with the number that pairs.
    number = EncryptedTextField(null=True)
    # The number that paired instead of it, digits, until a person decides.
    paired_number = EncryptedTextField(null=True)
    own_hmac = models.BinaryField(max_length=32, null=True)
    own_lid_hmac = models.BinaryField(max_length=32, null=True)
    profile_name = models.CharField(max_length=160, blank=True, default="")
    color = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=16, choices=State.choices, default=State.INITIALIZING)
    state_code = models.IntegerField(null=True)
    state_at = models.DateTimeField(db_default=Now())
    connected_at = models.DateTimeField(null=True)
    disconnected_at = models.DateTimeField(null=True)
    # A person asked for the session to be up; without it nothing reconnects by itself.
    wants_session = models.BooleanField(default=False, db_default=False)
    retry_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_retry_at = models.DateTimeField(null=True)
    # A code of ours for the last thing that went wrong.
    last_error = models.CharField(max_length=60, blank=True, default="", db_default="")
    last_error_at = models.DateTimeField(null=True)
    quarantined_at = models.DateTimeField(null=True)
    quarantine_reason = models.CharField(max_length=40, blank=True, default="")
    last_event_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    last_outbound_at = models.DateTimeField(null=True)
    # healthy, degraded, down; "" before the first look.
    health = models.CharField(max_length=10, blank=True, default="", db_default="")
    # [{"signal", "status", "code", "value"}] of the last look.
    health_signals = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    health_at = models.DateTimeField(null=True)
    # Looks in a row that disagree with `health`; two bad ones or three good ones change it.
    health_streak = models.PositiveSmallIntegerField(default=0, db_default=0)
    # No activity for so long counts as unstable (a rule of the source systems); null: not judged.
    silence_minutes = models.PositiveSmallIntegerField(null=True)
    # Alerts are silent until then (maintenance).
    muted_until = models.DateTimeField(null=True)
    # ok, repaired, unreachable, foreign; "" when nobody looked.
    webhook_state = models.CharField(max_length=12, blank=True, default="", db_default="")
    webhook_checked_at = models.DateTimeField(null=True)
    # Deleted here and on the server; what was said stays. Its name and its place on the server are
    # then changed, so that both can be given to a new connection.
    removed_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="messaging_connection_name_unique"),
            models.UniqueConstraint(
                fields=["server_url", "instance"], name="messaging_connection_instance_unique"
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="messaging_connection_one_default",
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

    @property
    def shown_name(self) -> str:
        """Return what people called it; the stored name of a deleted one is marked, to be free."""
        if self.removed_at is None:
            return self.name
        own = self.name.removesuffix(f" ({self.public_id.hex[-8:]})")
        return _now("%(name)s (deleted)") % {"name": own}


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
