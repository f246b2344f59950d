"""The outbox: news written with the change it reports, published later."""

from django.db import models
from django.db.models.functions import Now


class OutboxEvent(models.Model):
    """One event of one tenant. The payload holds ids only, so no personal data leaves a schema."""

    tenant_id = models.UUIDField()
    topic = models.CharField(max_length=64)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="core_outbox_waiting",
                condition=models.Q(published_at=None),
            ),
            models.Index(
                fields=["published_at"],
                name="core_outbox_published",
                condition=models.Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"


class AnsweredRequest(models.Model):
    """What a POST with an `Idempotency-Key` was answered; `answer` is encrypted for its tenant."""

    tenant_id = models.UUIDField()
    # The API key that asked: two programs may choose the same key.
    caller = models.BigIntegerField()
    key = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "caller", "key"], name="core_answeredrequest_once"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="core_answeredrequest_age")]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Reencryption(models.Model):
    """How far one column of one schema has been brought to a new key; see `reencrypt`."""

    schema_name = models.CharField(max_length=63)
    place = models.CharField(max_length=130)
    key_id = models.CharField(max_length=255)
    # Primary key of the last row that was looked at, as text; "" before the first.
    last_key = models.CharField(max_length=64, blank=True, default="")
    renewed = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schema_name", "place", "key_id"], name="core_reencryption_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.schema_name}.{self.place} to {self.key_id}"
