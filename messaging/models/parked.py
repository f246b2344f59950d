from django.db import models
from django.db.models.functions import Now

from messaging.models.connection import Connection


class ParkedEffect(models.Model):
    """A status, edit, delete, reaction or vote whose message has not come yet."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, db_index=False)
    provider_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=16)
    payload = models.JSONField()
    # Hash of connection, kind and payload: a repeated delivery parks nothing twice.
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "provider_id", "digest"], name="messaging_parked_unique"
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="messaging_parked_expiry")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.provider_id}"
