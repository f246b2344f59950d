"""Where messages lie by meaning. A narrow table: the exact scan reads every byte of it."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from analytics.models.choices import one_of

DIMENSIONS = 768


class EmbeddingModel(models.Model):
    """A space of meaning. Vectors of different ones are never compared."""

    class State(models.TextChoices):
        BUILDING = "building", _("Being filled")
        ACTIVE = "active", _("In use")
        RETIRED = "retired", _("No longer in use")

    # Given by whoever makes it: identity columns must be bigint where schemas may move.
    id = models.SmallIntegerField(primary_key=True)
    # "embed-use-1", or "remote:<provider id>:<model>:<version>".
    code = models.CharField(max_length=160, unique=True)
    state = models.CharField(max_length=8, choices=State.choices)
    provider_id = models.UUIDField(null=True)
    # Similarities from which a hit is called medium and strong: percentiles of random pairs.
    medium_from = models.FloatField(null=True)
    strong_from = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True)
    # The weekly look whether the index still finds what an exact search finds.
    recall = models.FloatField(null=True)
    recall_at = models.DateTimeField(null=True)
    ef_search = models.PositiveSmallIntegerField(default=100)
    # How far the filling of a new model is, by message id, newest first.
    filled_down_to = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            one_of("state", ["building", "active", "retired"], "analytics_embeddingmodel_state"),
            models.UniqueConstraint(
                fields=["state"],
                name="analytics_embeddingmodel_one_active",
                condition=models.Q(state="active"),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class MessageEmbedding(models.Model):
    """The place of one message in one space; written once, never updated."""

    pk = models.CompositePrimaryKey("model_id", "message_id")
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    message = models.ForeignKey("messaging.Message", on_delete=models.CASCADE, related_name="+")
    embedding = HalfVectorField(dimensions=DIMENSIONS)

    def __str__(self) -> str:
        return f"{self.message_id} in {self.model_id}"


class EmbeddingJob(models.Model):
    """A message whose place is not known yet; the row goes with the place."""

    message = models.OneToOneField(
        "messaging.Message", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.message_id)


class SavedSearch(models.Model):
    """A search that somebody keeps; it may tell when it is found often."""

    public_id = models.UUIDField(unique=True)
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=80)
    # The query string of the search page.
    query = models.JSONField()
    # Hits a day from which a notice is raised; null for none.
    alert_from = models.PositiveIntegerField(null=True)
    alerted_on = models.DateField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "name"], name="analytics_savedsearch_unique")
        ]

    def __str__(self) -> str:
        return self.name
