"""Recordings that wait for their words, and those that got none."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import one_of


class TranscriptionJob(models.Model):
    """A recording without a transcript; the row goes with the transcript, and stays with a reason.

    So whether a provider may be asked, and was, is one row that workers change by single UPDATEs.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        FAILED = "failed", _("Failed")

    message = models.OneToOneField(
        "messaging.Message", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Why it failed, or why it waits: a code of ours.
    error = models.CharField(max_length=40, blank=True, default="")
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [one_of("state", ["waiting", "failed"], "analytics_transcriptionjob_state")]
        indexes = [models.Index(fields=["created_at"], name="analytics_transcription_recent")]

    def __str__(self) -> str:
        return str(self.message_id)
