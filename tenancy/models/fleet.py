"""Work over whole schemas: migrations of the fleet, archives of one company."""

from django.db import models
from django.db.models.functions import Now

from evosense.core.ids import uuid7
from tenancy.models.tenant import Tenant


class FleetRun(models.Model):
    """One migration of the fleet, from plan to end; resumable."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["running", "done", "stopped"]),
                name="tenancy_fleetrun_state_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at} {self.state}"


class TenantMigration(models.Model):
    """How far one company is in one run."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    run = models.ForeignKey(
        FleetRun, on_delete=models.CASCADE, related_name="steps", db_index=False
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    # Hash over the migrations applied before the run; companies with the same one share a script.
    group = models.CharField(max_length=64)
    method = models.CharField(max_length=8, blank=True, default="")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "tenant"], name="tenancy_migration_unique"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "failed"]),
                name="tenancy_migration_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.state}"


class TenantArchive(models.Model):
    """An export of one company that somebody asked for."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        REMOVED = "removed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="archives", db_index=False
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True, default="")
    requested_by = models.CharField(max_length=254, blank=True, default="")
    with_raw_events = models.BooleanField(default=False)
    # Encrypted, and only until the file is written.
    passphrase = models.BinaryField(null=True, editable=False)
    file = models.CharField(max_length=200, blank=True, default="")
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    rows = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    # When the worker that makes it last gave a sign of life.
    heard_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="tenancy_archive_tenant")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="tenancy_archive_one_at_work",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running", "ready", "failed", "removed"]),
                name="tenancy_archive_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.state}"

    @property
    def percent(self) -> int:
        """Return how far it is; the number of rows is an estimate until the end."""
        return min(99, 100 * self.rows_done // max(1, self.rows))


class RetiredName(models.Model):
    """A slug or host name of a company that is gone. Never given out again."""

    name = models.CharField(max_length=253, primary_key=True)
    tenant_id = models.UUIDField(null=True)
    retired_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
