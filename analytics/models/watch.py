"""Whether judgements still mean what they meant."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import one_of


class DriftReading(models.Model):
    """One day's judgements of one analyser against the four weeks before."""

    class State(models.TextChoices):
        OK = "ok", _("Steady")
        WATCH = "watch", _("To be watched")
        ALERT = "alert", _("Moved")
        TOO_FEW = "too_few", _("Too few messages")

    day = models.DateField()
    analyser = models.CharField(max_length=200)
    state = models.CharField(max_length=7, choices=State.choices)
    messages = models.PositiveIntegerField()
    psi_sentiment = models.FloatField(null=True)
    psi_emotion = models.FloatField(null=True)
    # Of lengths of the texts: input moved, not the analyser.
    psi_length = models.FloatField(null=True)
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "analyser"], name="analytics_drift_unique"),
            one_of("state", ["ok", "watch", "alert", "too_few"], "analytics_drift_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.analyser}"


class AiNotice(models.Model):
    """Something about analysis that people should know; open once at a time."""

    class Kind(models.TextChoices):
        DRIFT = "drift", _("Judgements moved")
        BUDGET_WARNING = "budget_warning", _("Budget nearly used up")
        BUDGET_EXHAUSTED = "budget_exhausted", _("Budget used up")
        PROVIDER_DOWN = "provider_down", _("Provider does not answer")
        PROVIDER_REFUSED = "provider_refused", _("Provider refuses the key")
        RECALL = "recall", _("Search index misses too much")
        CANARY_STOPPED = "canary_stopped", _("Canary stopped")
        SAVED_SEARCH = "saved_search", _("A saved search is found often")
        MODEL_CHANGED = "model_changed", _("Provider changed the model")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    # What it is about: provider id, analyser, run id, saved search.
    subject = models.CharField(max_length=200, blank=True, default="")
    detail = models.JSONField(default=dict)
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    seen_by = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                name="analytics_notice_open_once",
                condition=models.Q(closed_at__isnull=True),
            )
        ]
        indexes = [models.Index(fields=["-opened_at"], name="analytics_notice_recent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
