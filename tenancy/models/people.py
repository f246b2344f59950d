"""Who may come in and what they may do, beyond the five roles of the house."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from evosense.core.ids import uuid7
from tenancy.models.tenant import Tenant


class Role(models.Model):
    """A role that a company made for itself: a list of permissions from the table."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="roles", db_index=False
    )
    name = models.CharField(max_length=60)
    permissions = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", Lower("name"), name="tenancy_role_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """An open seat for one e-mail address. Its link is signed over id and nonce, never stored."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REVOKED = "revoked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16)
    custom_role = models.ForeignKey(Role, null=True, on_delete=models.PROTECT, related_name="+")
    # A new nonce ends the links that were sent before.
    nonce = models.CharField(max_length=32)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    invited_by_id = models.BigIntegerField(null=True)
    accepted_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(state="open"),
                name="tenancy_invitation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "accepted", "revoked"]),
                name="tenancy_invitation_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="tenancy_invitation_email_lower"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class SignUp(models.Model):
    """A company that asked to begin. Nothing else exists until its e-mail is confirmed."""

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120)
    company = models.CharField(max_length=160)
    slug = models.CharField(max_length=40)
    # Already hashed; empty when the e-mail has an account, which keeps its own password.
    password = models.CharField(max_length=128, blank=True, default="")
    nonce = models.CharField(max_length=32)
    locale = models.CharField(max_length=8, blank=True, default="")
    timezone = models.CharField(max_length=64, default="America/Sao_Paulo")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["email"], name="tenancy_signup_email")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "confirmed"]),
                name="tenancy_signup_state_known",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class LoginThrottle(models.Model):
    """Failed log-ins of one account or address, in PostgreSQL so that a Redis flush forgives none.

    `subject` is a keyed hash: the table must not list who has accounts.
    """

    subject = models.BinaryField(max_length=32, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    window_started_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["window_started_at"], name="tenancy_throttle_window")]

    def __str__(self) -> str:
        return str(self.failures)


class SecurityPolicy(models.Model):
    """What a company demands of its people."""

    class MfaFor(models.TextChoices):
        NOBODY = "nobody"
        MANAGERS = "managers"
        EVERYBODY = "everybody"

    tenant = models.OneToOneField(
        Tenant, primary_key=True, on_delete=models.CASCADE, related_name="security_policy"
    )
    mfa_for = models.CharField(max_length=12, choices=MfaFor.choices, default=MfaFor.MANAGERS)
    # Until then people without a second factor may still come in and are asked to set one up.
    mfa_grace_until = models.DateTimeField(null=True)
    idle_minutes = models.PositiveIntegerField(default=480)
    # Seven entries, Monday first: [] is closed, otherwise [["08:00", "18:00"], …]; null is always.
    login_hours = models.JSONField(null=True)
    login_hours_roles = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(mfa_for__in=["nobody", "managers", "everybody"]),
                name="tenancy_policy_mfa_known",
            ),
            models.CheckConstraint(
                condition=models.Q(idle_minutes__gte=5, idle_minutes__lte=10080),
                name="tenancy_policy_idle_range",
            ),
        ]

    def __str__(self) -> str:
        return str(self.tenant_id)


class SupportGrant(models.Model):
    """An operator's time-limited access to one company, with the reason; its owner sees it."""

    class State(models.TextChoices):
        OPEN = "open"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="support_grants", db_index=False
    )
    operator_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    may_write = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=12, blank=True, default="")
    # SHA-256 of the code that carries the operator to the company's host; cleared by its one use.
    code_digest = models.BinaryField(max_length=32, null=True)
    code_expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="tenancy_grant_tenant")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "operator_id"],
                condition=models.Q(state="open"),
                name="tenancy_grant_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "ended"]), name="tenancy_grant_state_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
