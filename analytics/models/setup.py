"""What a company decided about analysis, and what it may cost."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.choices import in_range, one_of


class AiSettings(models.Model):
    """The one row of a company's choices (id 1); absent means the defaults below."""

    class Engine(models.TextChoices):
        EMBEDDED = "embedded", _("Embedded analyser")
        PROVIDER = "provider", _("Provider")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    engine = models.CharField(max_length=8, choices=Engine.choices, default=Engine.EMBEDDED)
    # A row of providers.Provider, in the shared schema: a plain id.
    provider_id = models.UUIDField(null=True)
    # Off only by an audited choice; without it personal data leaves for the provider.
    redacts = models.BooleanField(default=True)
    analyses_received = models.BooleanField(default=True)
    analyses_sent = models.BooleanField(default=False)
    analyses_groups = models.BooleanField(default=False)
    analyses_closed = models.BooleanField(default=True)
    # Short acknowledgements are judged by the embedded analyser even when a provider is chosen.
    takes_short_cut = models.BooleanField(default=True)
    # Of each month; null is without limit. Money in millionths of `currency`.
    token_limit = models.BigIntegerField(null=True)
    cost_limit_micros = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="BRL")
    # Shares of the limits, in percent.
    experiments_share = models.PositiveSmallIntegerField(default=20)
    conversations_share = models.PositiveSmallIntegerField(default=30)
    # Searches by meaning with a remote model instead of the embedded one.
    embeds_remotely = models.BooleanField(default=False)
    # Recordings leave for the provider as they are: redaction cannot touch sound.
    transcribes = models.BooleanField(default=False, db_default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="analytics_aisettings_single"),
            one_of("engine", ["embedded", "provider"], "analytics_aisettings_engine_known"),
            in_range("experiments_share", 0, 100, "analytics_aisettings_experiments_share"),
            in_range("conversations_share", 0, 100, "analytics_aisettings_conversations_share"),
        ]

    def __str__(self) -> str:
        return self.engine


class AiBudget(models.Model):
    """What a month's calls used and hold reserved; reserved by one conditional UPDATE.

    Rows of a part (experiments, conversations) count besides the row of everything.
    """

    class Part(models.TextChoices):
        ALL = "all", _("Everything")
        EXPERIMENTS = "experiments", _("Experiments")
        CONVERSATIONS = "conversations", _("Conversations")

    # The first day of the month in the company's time zone.
    month = models.DateField()
    part = models.CharField(max_length=13, choices=Part.choices)
    used_tokens = models.BigIntegerField(default=0)
    reserved_tokens = models.BigIntegerField(default=0)
    used_micros = models.BigIntegerField(default=0)
    reserved_micros = models.BigIntegerField(default=0)
    # When people were told that 80 % and 100 % were reached.
    warned_at = models.DateTimeField(null=True)
    exhausted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["month", "part"], name="analytics_aibudget_unique"),
            one_of(
                "part", ["all", "experiments", "conversations"], "analytics_aibudget_part_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    used_tokens__gte=0,
                    reserved_tokens__gte=0,
                    used_micros__gte=0,
                    reserved_micros__gte=0,
                ),
                name="analytics_aibudget_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.part}"


class Reservation(models.Model):
    """Tokens held for a call under way; one whose worker died is given back by a sweep."""

    month = models.DateField()
    part = models.CharField(max_length=13, choices=AiBudget.Part.choices)
    tokens = models.BigIntegerField()
    micros = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="analytics_reservation_old")]

    def __str__(self) -> str:
        return f"{self.tokens} of {self.month}"
