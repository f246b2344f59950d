from django.db import models
from django.utils.translation import gettext_lazy as _

from messaging.models.connection import Connection
from messaging.models.contact import Contact


class Call(models.Model):
    """A voice or video call that WhatsApp announced."""

    class Status(models.TextChoices):
        RINGING = "ringing", _("Ringing")
        ACCEPTED = "accepted", _("Answered")
        REJECTED = "rejected", _("Rejected")
        MISSED = "missed", _("Missed")
        ENDED = "ended", _("Ended")

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, db_index=False)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT)
    provider_id = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status.choices)
    is_video = models.BooleanField(default=False)
    is_group = models.BooleanField(default=False)
    was_offline = models.BooleanField(default=False)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "provider_id"], name="messaging_call_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["ringing", "accepted", "rejected", "missed", "ended"]
                ),
                name="messaging_call_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"
