"""Judgements of messages and conversations, the calls behind them, and the work that waits."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import Emotion, Purpose, Tone, in_range, one_of

SUMMARY_LENGTH = 200


class AnalysisJob(models.Model):
    """A message that waits for its judgement; the row goes when the judgement is there.

    Newest first. A claim lasts until `claimed_until`, so a dead worker's messages come back.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        # Judged by the embedded analyser meanwhile; the provider is asked again later.
        DEFERRED = "deferred", _("Deferred")
        FAILED = "failed", _("Failed")

    message = models.OneToOneField(
        "messaging.Message", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    conversation_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    error = models.CharField(max_length=40, blank=True, default="")
    # Of the words that wait: news that changes nothing about them leaves the row alone.
    version = models.CharField(max_length=16, blank=True, default="", db_default="")
    # Was once asked about before its pause was over, because the provider seemed to be back.
    is_early = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            one_of("state", ["waiting", "deferred", "failed"], "analytics_analysisjob_state_known")
        ]
        indexes = [
            models.Index(
                fields=["-occurred_at", "-message"],
                name="analytics_analysisjob_next",
                condition=~models.Q(state="failed"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"


class ModelCall(models.Model):
    """One attempt of one HTTP request to a provider. Never its content."""

    purpose = models.CharField(max_length=24, choices=Purpose.choices)
    provider_id = models.UUIDField()
    provider_name = models.CharField(max_length=80)
    model_requested = models.CharField(max_length=120)
    model_returned = models.CharField(max_length=120, blank=True, default="")
    prompt_version = models.CharField(max_length=64, blank=True, default="")
    template_hash = models.CharField(max_length=64, blank=True, default="")
    run_id = models.CharField(max_length=64, blank=True, default="")
    arm_key = models.CharField(max_length=20, blank=True, default="")
    items = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # The provider told no usage, or one that cannot be true.
    is_estimated = models.BooleanField(default=False)
    cost_micros = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="BRL")
    latency_ms = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    http_status = models.PositiveSmallIntegerField(null=True)
    # A code of ours; "" when it worked.
    error = models.CharField(max_length=40, blank=True, default="")
    finish_reason = models.CharField(max_length=40, blank=True, default="")
    structured = models.CharField(max_length=12, blank=True, default="")
    repairs = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="analytics_modelcall_recent")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"


class Inference(models.Model):
    """One judgement of one message by one analyser; redelivery cannot write a second one."""

    class Status(models.TextChoices):
        OK = "ok", _("Done")
        INVALID = "invalid", _("Invalid answer")
        ERROR = "error", _("Error")
        TIMEOUT = "timeout", _("Time-out")
        REFUSED = "refused", _("Refused by the model")
        SKIPPED_BUDGET = "skipped_budget", _("Budget used up")

    message = models.ForeignKey(
        "messaging.Message", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # "live:<template hash>:<model>" or the run's id; `arm_key` names the side of an experiment.
    run_key = models.CharField(max_length=140)
    arm_key = models.CharField(max_length=20, blank=True, default="")
    run_id = models.CharField(max_length=64, blank=True, default="")
    is_shadow = models.BooleanField(default=False)
    status = models.CharField(max_length=14, choices=Status.choices)
    error = models.CharField(max_length=40, blank=True, default="")
    # "embedded" or the provider's name.
    provider = models.CharField(max_length=80)
    model_name = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=64, blank=True, default="")
    template_hash = models.CharField(max_length=64)
    context_hash = models.CharField(max_length=64, blank=True, default="")
    latency_ms = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    sentiment = models.FloatField(null=True)
    emotion = models.CharField(max_length=40, choices=Emotion.choices, blank=True, default="")
    satisfaction = models.SmallIntegerField(null=True)
    tone = models.CharField(max_length=40, choices=Tone.choices, blank=True, default="")
    summary = models.CharField(max_length=SUMMARY_LENGTH, blank=True, default="")
    confidence = models.FloatField(null=True)
    # Why: [{"text": "não chegou", "weight": -1.4}], in the order of the text.
    cues = models.JSONField(default=list)
    # The provider could not be asked and the embedded analyser stood in.
    is_degraded = models.BooleanField(default=False)
    is_cached = models.BooleanField(default=False)
    is_suspicious = models.BooleanField(default=False)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    # Without a constraint: forgetting a call would have to look through all judgements for it.
    call = models.ForeignKey(
        ModelCall,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "run_key", "arm_key"], name="analytics_inference_unique"
            ),
            one_of(
                "status",
                ["ok", "invalid", "error", "timeout", "refused", "skipped_budget"],
                "analytics_inference_status_known",
            ),
            in_range("sentiment", -1, 1, "analytics_inference_sentiment"),
            in_range("satisfaction", 0, 100, "analytics_inference_satisfaction"),
            in_range("confidence", 0, 1, "analytics_inference_confidence"),
            models.CheckConstraint(
                condition=~models.Q(status="ok")
                | models.Q(
                    sentiment__isnull=False,
                    satisfaction__isnull=False,
                    confidence__isnull=False,
                    emotion__in=Emotion.values,
                    tone__in=Tone.values,
                ),
                name="analytics_inference_ok_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="analytics_inference_recent"),
            models.Index(
                fields=["run_id", "arm_key", "id"],
                name="analytics_inference_run",
                condition=~models.Q(run_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.run_key}"


class CachedJudgement(models.Model):
    """A provider's answer for a text that comes again in the same context."""

    key = models.BinaryField(max_length=32, unique=True)
    values = models.JSONField()
    model_returned = models.CharField(max_length=120, blank=True, default="")
    hits = models.PositiveIntegerField(default=0)
    # For erasure: whose text it was.
    message_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="analytics_cached_old"),
            models.Index(fields=["message_id"], name="analytics_cached_message"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ConversationAnalysis(models.Model):
    """What a whole conversation came to, as far as one of its messages."""

    class Resolved(models.TextChoices):
        YES = "yes", _("Resolved")
        NO = "no", _("Not resolved")
        UNKNOWN = "unknown", _("Not known")

    conversation = models.ForeignKey(
        "messaging.Conversation", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    through_message_id = models.BigIntegerField()
    trigger = models.CharField(max_length=8)
    status = models.CharField(max_length=14, choices=Inference.Status.choices)
    error = models.CharField(max_length=40, blank=True, default="")
    provider = models.CharField(max_length=80)
    model_name = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=64, blank=True, default="")
    is_degraded = models.BooleanField(default=False)
    category = models.CharField(max_length=40, blank=True, default="")
    sentiment = models.FloatField(null=True)
    satisfaction = models.SmallIntegerField(null=True)
    # Mean of the last three messages less that of the first three.
    trend = models.FloatField(null=True)
    resolved = models.CharField(max_length=7, choices=Resolved.choices, default=Resolved.UNKNOWN)
    summary = models.CharField(max_length=600, blank=True, default="")
    next_step = models.CharField(max_length=200, blank=True, default="")
    evidence = models.JSONField(default=list)
    confidence = models.FloatField(null=True)
    messages = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "through_message_id", "provider", "model_name"],
                name="analytics_conversationanalysis_unique",
            ),
            in_range("sentiment", -1, 1, "analytics_conversation_sentiment"),
            in_range("satisfaction", 0, 100, "analytics_conversation_satisfaction"),
            in_range("confidence", 0, 1, "analytics_conversation_confidence"),
            one_of("trigger", ["closed", "silence", "asked"], "analytics_conversation_trigger"),
            one_of("resolved", ["yes", "no", "unknown"], "analytics_conversation_resolved"),
        ]
        indexes = [
            models.Index(
                fields=["conversation", "-created_at"], name="analytics_conversation_newest"
            )
        ]

    def __str__(self) -> str:
        return f"conversation {self.conversation_id}"
