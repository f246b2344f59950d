"""Who may be asked for a judgement or an embedding, and at which price."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7
from tenancy.models import Tenant


class Provider(models.Model):
    """An OpenAI-compatible endpoint: of one company, or (no tenant) of the house for all."""

    class Breaker(models.TextChoices):
        CLOSED = "closed", _("Answering")
        OPEN = "open", _("Given a rest")
        HALF_OPEN = "half_open", _("Being tried again")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        Tenant, null=True, on_delete=models.CASCADE, related_name="ai_providers"
    )
    name = models.CharField(max_length=80)
    base_url = models.CharField(max_length=300)
    api_key = EncryptedTextField(null=True)
    # scheme://host:port that the key was saved with: it is sent nowhere else.
    key_origin = models.CharField(max_length=300, blank=True, default="")
    key_saved_at = models.DateTimeField(null=True)
    # Where texts go when it is asked, in words: companies owe that answer to their customers.
    country = models.CharField(max_length=60, blank=True, default="", db_default="")
    chat_model = models.CharField(max_length=120, blank=True, default="")
    embedding_model = models.CharField(max_length=120, blank=True, default="")
    # What writes recordings down; "" for none.
    transcription_model = models.CharField(max_length=120, blank=True, default="", db_default="")
    # What "test connection" found: structured, max_tokens_param, temperature, embeddings, …
    capabilities = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True)
    # A code of ours (unauthorized, quota, not_found, connect_failed, …); "" when all is well.
    problem = models.CharField(max_length=40, blank=True, default="")
    requests_per_minute = models.PositiveIntegerField(null=True)
    tokens_per_minute = models.PositiveIntegerField(null=True)
    # Inside the operator's own walls: personal data does not leave by asking it.
    is_local = models.BooleanField(default=False)
    breaker = models.CharField(max_length=10, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_failures = models.PositiveSmallIntegerField(default=0)
    # How often in a row it was opened: each rest is twice as long.
    breaker_openings = models.PositiveSmallIntegerField(default=0)
    breaker_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], nulls_distinct=False, name="providers_provider_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(breaker__in=["closed", "open", "half_open"]),
                name="providers_provider_breaker_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ModelPrice(models.Model):
    """What a model costs from a day on, in millionths of the currency for a million tokens."""

    # Of the provider's company, repeated for the row security.
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="prices")
    model = models.CharField(max_length=120)
    valid_from = models.DateField()
    input_micros = models.BigIntegerField()
    cached_input_micros = models.BigIntegerField(null=True)
    output_micros = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="BRL")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model", "valid_from"], name="providers_modelprice_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(input_micros__gte=0, output_micros__gte=0),
                name="providers_modelprice_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from}"
