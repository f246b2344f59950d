"""Experiments: the same messages judged by several arms, compared before anybody is trusted."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from analytics.models.choices import in_range, one_of
from analytics.models.labels import GoldSet
from analytics.models.prompts import PromptTemplate


class ExperimentRun(models.Model):
    class Mode(models.TextChoices):
        GOLD = "gold", _("Gold set")
        BACKFILL = "backfill", _("Past messages")
        SHADOW = "shadow", _("Shadow")
        CANARY = "canary", _("Canary")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", pgettext_lazy("experiment", "Cancelled")

    public_id = models.UUIDField(unique=True)
    run_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    # The hypothesis, in the words of whoever asks.
    description = models.TextField(blank=True, default="")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    # Of the baseline, as the source schema has it.
    prompt_version = models.CharField(max_length=64, blank=True, default="")
    # sentiment_accuracy, sentiment_mae, emotion_f1, satisfaction_kappa, …: fixed before the start.
    primary_metric = models.CharField(max_length=32)
    # The difference worth finding, as a share (0.05 is five points).
    min_effect = models.FloatField(default=0.05)
    # What is drawn: since, until, connections, size, strata, groups; frozen with the start.
    sample = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    # Of live traffic, for shadow and canary: 0..1.
    share = models.FloatField(default=0)
    gold_set = models.ForeignKey(GoldSet, null=True, on_delete=models.PROTECT, related_name="runs")
    budget_micros = models.BigIntegerField(null=True)
    spent_micros = models.BigIntegerField(default=0)
    estimated_micros = models.BigIntegerField(default=0)
    total_messages = models.PositiveIntegerField(default=0)
    processed_messages = models.PositiveIntegerField(default=0)
    # Why it stopped: a code of ours.
    error = models.CharField(max_length=40, blank=True, default="")
    # The comparison as last computed, and when; computed again while it runs.
    report = models.JSONField(null=True)
    report_at = models.DateTimeField(null=True)
    decision = models.JSONField(null=True)
    worker_until = models.DateTimeField(null=True)
    start_date = models.DateTimeField(null=True)
    end_date = models.DateTimeField(null=True)
    author_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            one_of(
                "mode", ["gold", "backfill", "shadow", "canary"], "analytics_experiment_mode_known"
            ),
            one_of(
                "status",
                ["draft", "running", "paused", "completed", "failed", "cancelled"],
                "analytics_experiment_status_known",
            ),
            in_range("share", 0, 1, "analytics_experiment_share"),
            models.CheckConstraint(
                condition=~models.Q(mode="gold") | models.Q(gold_set__isnull=False),
                name="analytics_experiment_gold_has_set",
            ),
            # Two canaries at once would divide the same conversations.
            models.UniqueConstraint(
                fields=["mode"],
                name="analytics_experiment_one_canary",
                condition=models.Q(mode="canary", status__in=["running", "paused"]),
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="analytics_experiment_recent"),
            models.Index(
                fields=["mode"],
                name="analytics_experiment_live",
                condition=models.Q(status="running"),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Arm(models.Model):
    """One side: a prompt on a model of a provider, or the embedded analyser."""

    run = models.ForeignKey(ExperimentRun, on_delete=models.CASCADE, related_name="arms")
    key = models.CharField(max_length=20)
    is_baseline = models.BooleanField(default=False)
    # Null for the embedded analyser.
    template = models.ForeignKey(
        PromptTemplate, null=True, on_delete=models.PROTECT, related_name="+"
    )
    provider_id = models.UUIDField(null=True)
    # "embedded-pt-2", "embedded-pt-2+booster-2", or a provider's model.
    model_name = models.CharField(max_length=120)
    processed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    spent_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="analytics_arm_unique"),
            models.UniqueConstraint(
                fields=["run"],
                name="analytics_arm_one_baseline",
                condition=models.Q(is_baseline=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.key}"


class SampleItem(models.Model):
    """A message of a run with its text and context as frozen: every arm reads the same."""

    run = models.ForeignKey(ExperimentRun, on_delete=models.CASCADE, related_name="items")
    message = models.ForeignKey("messaging.Message", on_delete=models.CASCADE, related_name="+")
    conversation_id = models.BigIntegerField()
    position = models.PositiveIntegerField()
    text = models.TextField()
    context = models.JSONField(default=list)
    stratum = models.CharField(max_length=60, blank=True, default="")
    weight = models.FloatField(default=1.0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "message"], name="analytics_sampleitem_unique")
        ]
        indexes = [
            models.Index(
                fields=["run", "position"],
                name="analytics_sampleitem_next",
                condition=models.Q(done_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} of {self.run_id}"
