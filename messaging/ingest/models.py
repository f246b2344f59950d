"""The bronze log: raw webhook bodies, partitioned by day in the shared schema.

Django cannot describe partitions, so the migration creates both tables by SQL and these models
only read and update them. Rows may repeat; idempotency is the business of `apply`.
"""

from django.db import models


class WebhookEvent(models.Model):
    """One received body, redacted, exactly as it will be parsed."""

    class Status(models.IntegerChoices):
        PENDING = 0
        DONE = 1
        KEPT = 2
        DEAD = 3

    class Lane(models.IntegerChoices):
        LIVE = 0
        HISTORY = 1

    id = models.BigAutoField(primary_key=True)
    received_at = models.DateTimeField()
    tenant_id = models.UUIDField()
    connection_id = models.UUIDField()
    dedupe_key = models.BinaryField(max_length=32)
    event = models.TextField(default="")
    instance = models.TextField(default="")
    lane = models.SmallIntegerField(default=Lane.LIVE)
    body = models.BinaryField()
    flag = models.TextField(default="")
    status = models.SmallIntegerField(default=Status.PENDING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    processing_time_ms = models.IntegerField(null=True)
    error_message = models.TextField(default="")
    blob_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "webhook_events"

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"


class WebhookBlob(models.Model):
    """Media bytes that came inside a body, until the message that names them is stored."""

    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    sha256 = models.BinaryField(max_length=32)
    mime = models.TextField(default="")
    size = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        managed = False
        db_table = "webhook_blobs"

    def __str__(self) -> str:
        return str(self.pk)
