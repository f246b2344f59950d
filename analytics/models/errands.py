"""Slow things that a person or a program asked for and waits for."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import one_of


class Errand(models.Model):
    """Something that may ask a provider: done by a worker, at most once, and kept for a day.

    Nobody begins it again after a worker died: a provider may have been paid. The one who asked is
    told when its time is over, and asks again.
    """

    class Kind(models.TextChoices):
        PLAYGROUND = "playground", _("Playground")
        JUDGE = "judge_message", _("Message analysis")
        CONVERSATION = "analyse_conversation", _("Conversation analysis")
        REPLIES = "suggest_replies", _("Reply suggestion")
        PROBE = "test_provider", _("Connection test")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Took too long")

    public_id = models.UUIDField(unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # The public id of what it is about; "" where it is about texts of its own.
    subject = models.CharField(max_length=36, blank=True, default="")
    asked_by = models.BigIntegerField(null=True)
    # Of what is asked: while one is open, the same is not begun beside it.
    key = models.CharField(max_length=64)
    # Of what is asked and the form it was asked with, which counts once, however often it is sent.
    form_key = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    request = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    # Why it failed: a code of ours.
    error = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    # Whoever waits gives up then.
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            one_of(
                "kind",
                [
                    "playground",
                    "judge_message",
                    "analyse_conversation",
                    "suggest_replies",
                    "test_provider",
                ],
                "analytics_errand_kind_known",
            ),
            one_of(
                "state",
                ["waiting", "running", "done", "failed", "cancelled", "expired"],
                "analytics_errand_state_known",
            ),
            models.UniqueConstraint(
                fields=["key"],
                name="analytics_errand_open_once",
                condition=models.Q(state__in=["waiting", "running"]),
            ),
            models.UniqueConstraint(
                fields=["form_key"],
                name="analytics_errand_form_once",
                condition=~models.Q(form_key=""),
            ),
        ]
        indexes = [models.Index(fields=["kind", "subject", "-id"], name="analytics_errand_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
