from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7


class WebhookEndpoint(models.Model):
    """An address of the company's own system that is told of events; see `webhooks_out`."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    # `whsec_` and base64, as Standard Webhooks has it; shown once.
    secret = EncryptedTextField()
    # The one before also signs until then, so that receivers can change without a gap.
    old_secret = EncryptedTextField(null=True)
    old_secret_until = models.DateTimeField(null=True)
    # Names of the registry.
    event_types = ArrayField(models.CharField(max_length=60))
    is_active = models.BooleanField(default=True)
    # Why we switched it off: gone, failing; "" where a person did, or nobody.
    disabled_reason = models.CharField(max_length=20, blank=True, default="")
    disabled_at = models.DateTimeField(null=True)
    # Since when nothing but failures came back, and how many in a row.
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    # It asked for a pause, or fails too often to be asked at once.
    paused_until = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="messaging_webhook_name_unique"),
            models.CheckConstraint(
                condition=models.Q(disabled_reason__in=["", "gone", "failing"]),
                name="messaging_webhook_reason_known",
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(disabled_reason=""),
                name="messaging_webhook_disabled_is_off",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint. `public_id` is its `webhook-id` in every attempt."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENDING = "sending", _("Being sent")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Not sent")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    # The outbox's; null for a test. With its time it stays one event after a move to another
    # installation, which counts from 1.
    event_id = models.BigIntegerField(null=True)
    type = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    # Ids, kinds and times: no text, no number.
    data = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When it is due; while it is being sent, when whoever does so counts as dead.
    next_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    # A code of ours: http_error, redirect, gone, too_many, timed_out, address_refused, …
    last_error = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event_id", "occurred_at"],
                name="messaging_hookdelivery_once",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["pending", "sending", "delivered", "failed", "dropped"]
                ),
                name="messaging_hookdelivery_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(next_at__isnull=False)
                | models.Q(state__in=["delivered", "failed", "dropped"]),
                name="messaging_hookdelivery_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "-created_at", "-id"],
                name="messaging_hookdelivery_newest",
            ),
            models.Index(
                fields=["next_at"],
                condition=models.Q(state__in=["pending", "sending"]),
                name="messaging_hookdelivery_wait",
            ),
            models.Index(fields=["created_at"], name="messaging_hookdelivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.endpoint_id}"
