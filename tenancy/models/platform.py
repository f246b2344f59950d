"""What operators set for the whole house or for one company."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.ids import uuid7
from tenancy.models.tenant import Tenant


class Entitlement(models.Model):
    """A limit or right of one company that differs from its plan's; null means without limit."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="entitlements", db_index=False
    )
    name = models.CharField(max_length=40)
    limit = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="tenancy_entitlement_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.limit}"


class Feature(models.Model):
    """A switch: off, on for all, or on for the companies listed."""

    class State(models.TextChoices):
        OFF = "off", _("Off")
        CHOSEN = "chosen", _("Chosen companies")
        ON = "on", _("On")

    name = models.SlugField(max_length=60, primary_key=True)
    description = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OFF)
    tenants = models.ManyToManyField(Tenant, blank=True, related_name="features")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["off", "chosen", "on"]),
                name="tenancy_feature_state_known",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Announcement(models.Model):
    """News of the house, shown as a banner on every page of the companies it is for."""

    class Level(models.TextChoices):
        INFO = "info", _("Information")
        WARNING = "warning", _("Warning")
        DANGER = "danger", _("Incident")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=600, blank=True, default="")
    url = models.URLField(max_length=300, blank=True, default="")
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    # No tenants: for everybody.
    tenants = models.ManyToManyField(Tenant, blank=True, related_name="announcements")
    starts_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(level__in=["info", "warning", "danger"]),
                name="tenancy_announcement_level_known",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="tenancy_announcement_ends_later",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class AnnouncementSeen(models.Model):
    """A person closed this announcement."""

    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="+")
    user_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["announcement", "user_id"], name="tenancy_announcement_seen_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.announcement_id} {self.user_id}"


class Brand(models.Model):
    """How a company's pages look: name, logo and colours. Contrast is checked before it is kept."""

    tenant = models.OneToOneField(
        Tenant, primary_key=True, on_delete=models.CASCADE, related_name="brand"
    )
    name = models.CharField(max_length=60, blank=True, default="")
    # "#rrggbb" as chosen; what pages use is derived per scheme with checked contrast.
    color = models.CharField(max_length=7, blank=True, default="")
    # Re-encoded PNG, at most 512 px and 256 KiB; never what was uploaded.
    logo = models.BinaryField(max_length=262144, null=True)
    logo_digest = models.CharField(max_length=16, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class Mail(models.Model):
    """A letter to send. It holds what it is about, not its text: links are made when it leaves."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        DROPPED = "dropped"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40)
    to = models.EmailField(max_length=254)
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.CASCADE, related_name="+")
    object_id = models.CharField(max_length=64, blank=True, default="")
    locale = models.CharField(max_length=8, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    error = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state="waiting"),
                name="tenancy_mail_waiting",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "sent", "dropped", "failed"]),
                name="tenancy_mail_state_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
