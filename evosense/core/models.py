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
