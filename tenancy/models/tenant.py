from datetime import datetime
from typing import Any, NoReturn

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef

# Names that mean something to browsers, mail or the house itself.
RESERVED_SLUGS = frozenset(
    [
        "www",
        "api",
        "app",
        "admin",
        "hooks",
        "media",
        "mail",
        "smtp",
        "imap",
        "ftp",
        "static",
        "assets",
        "cdn",
        "docs",
        "help",
        "support",
        "status",
        "blog",
        "billing",
        "stripe",
        "login",
        "entrar",
        "sair",
        "conta",
        "public",
        "root",
        "test",
        "staging",
        "dev",
    ]
)

valid_slug = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z",
    _("Use 1 to 40 lower-case letters, digits and hyphens, without a hyphen at either end."),
)


class Tenant(TenantMixin):
    """One company: its schema, its plan and how far its provisioning has come."""

    class Plan(models.TextChoices):
        STARTER = "starter", _("Starter")
        PRO = "pro", _("Pro")
        SCALE = "scale", _("Scale")
        ENTERPRISE = "enterprise", _("Enterprise")

    class Status(models.TextChoices):
        TRIAL = "trial", _("Trial")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    class State(models.TextChoices):
        PROVISIONING = "provisioning", _("Being prepared")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Preparation failed")
        MOVING = "moving", _("Being moved")
        DELETING = "deleting", _("Being deleted")

    # Provisioning replays recorded DDL; saving a row must never migrate a schema.
    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=160)
    slug = models.CharField(max_length=40, unique=True, validators=[valid_slug])
    schema_name = models.CharField(max_length=63, unique=True, default=schema_name, editable=False)
    plan = models.CharField(max_length=16, choices=Plan.choices, default=Plan.STARTER)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.TRIAL)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROVISIONING)
    state_error = models.TextField(blank=True, default="")
    # Shown to people who come to a suspended company.
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspend_reason = models.CharField(max_length=200, blank=True, default="")
    suspend_cause = models.CharField(max_length=12, blank=True, default="")
    # What `status` was before, so that resuming never turns a trial into a paid plan.
    status_before = models.CharField(max_length=16, blank=True, default="")
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    # The end of the grace period of a deletion that was asked for.
    delete_after = models.DateTimeField(null=True, blank=True)
    next_billing_date = models.DateField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="America/Sao_Paulo")
    locale = models.CharField(max_length=8, default="pt-br")
    # The key of its address hashes, sealed, when it was imported from an installation with another
    # one: a hash cannot be computed again for an address that only the hash is left of.
    sender_key = models.BinaryField(max_length=128, null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["next_billing_date"], name="tenancy_tenant_billing")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(plan__in=["starter", "pro", "scale", "enterprise"]),
                name="tenancy_tenant_plan_known",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["trial", "active", "suspended"]),
                name="tenancy_tenant_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["provisioning", "ready", "failed", "moving", "deleting"]
                ),
                name="tenancy_tenant_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def __enter__(self) -> NoReturn:
        # The stock context manager keeps its stack on the class: 988 of 1,600 exits in threads
        # ended in somebody else's tenant.
        message = "Use evosense.core.schema.tenant_scope(tenant.ref)."
        raise RuntimeError(message)

    def save(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("verbosity", None)
        models.Model.save(self, *args, **kwargs)

    @property
    def ref(self) -> TenantRef:
        return TenantRef(
            id=self.id,
            schema_name=self.schema_name,
            slug=self.slug,
            name=self.name,
            timezone=self.timezone,
            locale=self.locale,
            sender_key=bytes(self.sender_key or b""),
            restricted_from=self.restricted_from,
            is_unpaid=self.is_unpaid,
        )

    @property
    def is_unpaid(self) -> bool:
        """Tell whether it stands still, now or from a moment on, for want of payment."""
        is_trial = self.status == self.Status.TRIAL and self.trial_ends_at is not None
        return is_trial or self.suspend_cause == "payment"

    @property
    def restricted_from(self) -> datetime | None:
        """Return since or from when people and programs may not work here; None is never."""
        if self.status == self.Status.SUSPENDED:
            return self.suspended_at or self.created_at
        return self.trial_ends_at if self.status == self.Status.TRIAL else None


class Domain(DomainMixin):
    """A host name that leads to one tenant. One of its own counts once its TXT record is seen."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for the proof")
        ACTIVE = "active", _("Active")
        LOST = "lost", _("Proof is gone")

    # Not unique by itself: two companies may claim one name, and the proof decides.
    domain = models.CharField(max_length=253, db_index=True)
    is_custom = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    proof = models.CharField(max_length=64, blank=True, default="")
    verified_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "active", "lost"]),
                name="tenancy_domain_state_known",
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(is_primary=True),
                name="tenancy_domain_one_primary",
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(state="active"),
                name="tenancy_domain_one_active",
            ),
            models.UniqueConstraint(fields=["tenant", "domain"], name="tenancy_domain_once"),
        ]

    def __str__(self) -> str:
        return str(self.domain)

    def save(self, *args: Any, **kwargs: Any) -> None:
        models.Model.save(self, *args, **kwargs)
