"""Prompts: versions that never change, and labels that move between them."""

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import Task, one_of

PRODUCTION = "production"


class Immutable(models.QuerySet["PromptTemplate"]):
    """Rows that are written once. Schemas on several nodes may have no trigger to see to it."""

    def update(self, **_columns: object) -> int:
        raise TypeError("A version of a prompt never changes: write the next one.")


class PromptTemplate(models.Model):
    """One version of a prompt; nothing changes it, and whoever uses it checks its hash."""

    public_id = models.UUIDField(unique=True)
    name = models.SlugField(max_length=48)
    number = models.PositiveIntegerField()
    # "<name>@<number>", as inferences and the API name it.
    version = models.CharField(max_length=64, unique=True)
    task = models.CharField(max_length=24, choices=Task.choices)
    body = models.TextField()
    # JSON Schema in the strict subset that providers share.
    output_schema = models.JSONField()
    # temperature, max_output_tokens, few_shots.
    model_params = models.JSONField(default=dict)
    template_hash = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    # The name is kept besides the id: a person may leave, the history stays readable.
    author_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    objects = Immutable.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="analytics_prompt_unique"),
            one_of(
                "task",
                ["message_analysis", "conversation_analysis", "routing", "reply"],
                "analytics_prompt_task_known",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def save(self, **options: Any) -> None:
        """Insert; raises TypeError for a version that exists."""
        if not self._state.adding:
            raise TypeError("A version of a prompt never changes: write the next one.")
        super().save(**options)


class PromptLabel(models.Model):
    """A name that points at one version: `production` is what judges messages."""

    # The task's production label is the one that counts: unique by task there.
    name = models.SlugField(max_length=48)
    label = models.SlugField(max_length=32)
    task = models.CharField(max_length=24, choices=Task.choices)
    template = models.ForeignKey(PromptTemplate, on_delete=models.PROTECT, related_name="labels")
    is_protected = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "label"], name="analytics_promptlabel_unique"),
            models.UniqueConstraint(
                fields=["task"],
                name="analytics_promptlabel_one_production",
                condition=models.Q(label="production"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}:{self.label}"


class PromptLabelEvent(models.Model):
    """A move of a label, for good; `previous` null when it was set for the first time."""

    name = models.CharField(max_length=48)
    label = models.CharField(max_length=32)
    previous = models.ForeignKey(
        PromptTemplate, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    template = models.ForeignKey(
        PromptTemplate, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reason = models.TextField(blank=True, default="")
    run_id = models.CharField(max_length=64, blank=True, default="")
    # The report's numbers at the moment of the decision, and the gate's conditions.
    snapshot = models.JSONField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["name", "-id"], name="analytics_promptlabelevent_of")]
        verbose_name = _("label move")

    def __str__(self) -> str:
        return f"{self.name}:{self.label}"
