"""What people say: labels, the blind review queue, and sets that experiments are judged by."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import Emotion, Tone, in_range, one_of


class ReviewItem(models.Model):
    """A message that people are asked about, without seeing what analysers said."""

    class Stratum(models.TextChoices):
        RANDOM = "random", _("Drawn at random")
        DISAGREEMENT = "disagreement", _("Analysers disagree")
        LOW_CONFIDENCE = "low_confidence", _("Low confidence")
        SUSPICIOUS = "suspicious", _("Suspicious text")
        ASKED = "asked", _("Asked for")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        # Two people differ: a third one decides.
        DISPUTED = "disputed", _("Disputed")
        DONE = "done", _("Done")

    public_id = models.UUIDField(unique=True)
    message = models.ForeignKey(
        "messaging.Message", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # "" for the common queue, else the run whose disagreements are asked about.
    run_id = models.CharField(max_length=64, blank=True, default="")
    stratum = models.CharField(max_length=14, choices=Stratum.choices)
    # The chance with which it was drawn, for estimates without bias; null where nobody drew.
    probability = models.FloatField(null=True)
    wanted = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    held_by = models.BigIntegerField(null=True)
    held_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "run_id"], name="analytics_reviewitem_unique"
            ),
            one_of("state", ["open", "disputed", "done"], "analytics_reviewitem_state_known"),
            in_range("wanted", 1, 5, "analytics_reviewitem_wanted"),
        ]
        indexes = [
            models.Index(
                fields=["state", "id"],
                name="analytics_reviewitem_next",
                condition=~models.Q(state="done"),
            )
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Label(models.Model):
    """One person's word on one message; a newer word of the same person replaces it."""

    class Source(models.TextChoices):
        REVIEW = "review", _("Blind review")
        # Seen beside the analyser's values: never used for unbiased figures.
        THREAD = "thread", _("Corrected in the thread")
        ADJUDICATION = "adjudication", _("Decided between two")

    message = models.ForeignKey(
        "messaging.Message", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    item = models.ForeignKey(
        ReviewItem, null=True, on_delete=models.SET_NULL, related_name="labels"
    )
    source = models.CharField(max_length=12, choices=Source.choices)
    user_id = models.BigIntegerField()
    # In a review -1, -0.5, 0, 0.5, 1; null where that value was not said.
    sentiment = models.FloatField(null=True)
    emotion = models.CharField(max_length=40, choices=Emotion.choices, blank=True, default="")
    satisfaction = models.SmallIntegerField(null=True)
    tone = models.CharField(max_length=40, choices=Tone.choices, blank=True, default="")
    seconds = models.PositiveIntegerField(null=True)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user_id", "source"],
                name="analytics_label_one_current",
                condition=models.Q(is_current=True),
            ),
            in_range("sentiment", -1, 1, "analytics_label_sentiment"),
            in_range("satisfaction", 0, 100, "analytics_label_satisfaction"),
            one_of("source", ["review", "thread", "adjudication"], "analytics_label_source_known"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.user_id}"


class GoldSet(models.Model):
    """Messages with what people said of them, frozen: what an experiment is measured by."""

    public_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(blank=True, default="")
    # Frozen sets take and lose no items.
    frozen_at = models.DateTimeField(null=True)
    # People who labelled, share labelled twice, Krippendorff's alpha of each value.
    figures = models.JSONField(default=dict)
    created_by = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class GoldItem(models.Model):
    """One message of a set, as it read when it was taken."""

    gold_set = models.ForeignKey(GoldSet, on_delete=models.CASCADE, related_name="items")
    message = models.ForeignKey("messaging.Message", on_delete=models.CASCADE, related_name="+")
    text = models.TextField()
    # [{"who": "C" or "A", "text": …}], oldest first.
    context = models.JSONField(default=list)
    stratum = models.CharField(max_length=40, blank=True, default="")
    weight = models.FloatField(default=1.0)
    sentiment = models.FloatField(null=True)
    emotion = models.CharField(max_length=40, blank=True, default="")
    satisfaction = models.SmallIntegerField(null=True)
    tone = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gold_set", "message"], name="analytics_golditem_unique"
            ),
            in_range("sentiment", -1, 1, "analytics_golditem_sentiment"),
            in_range("satisfaction", 0, 100, "analytics_golditem_satisfaction"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} of {self.gold_set_id}"


class Booster(models.Model):
    """A small model of one company's own labels; judges nobody before it won an experiment."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        ACTIVE = "active", _("In use")
        RETIRED = "retired", _("No longer in use")

    version = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CANDIDATE)
    # Its weights fit the features of that analyser's version alone; beside another it is put aside.
    analyser = models.CharField(max_length=40, db_default="embedded-pt-1")
    labels = models.PositiveIntegerField()
    # numpy arrays, saved without pickle.
    weights = models.BinaryField()
    # Cross-validated against the analyser without it.
    figures = models.JSONField(default=dict)
    won_run_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                name="analytics_booster_one_active",
                condition=models.Q(state="active"),
            ),
            models.CheckConstraint(
                condition=~models.Q(state="active") | ~models.Q(won_run_id=""),
                name="analytics_booster_active_has_won",
            ),
        ]

    def __str__(self) -> str:
        return f"booster {self.version}"
