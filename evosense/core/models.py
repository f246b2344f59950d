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
