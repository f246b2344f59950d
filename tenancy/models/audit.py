from django.db import models
from django.db.models.functions import Now

from tenancy.models.tenant import Tenant


class AuditEntry(models.Model):
    """One act of a person, key or operator. Rows are only added; each seals the one before.

    `tenant` is null for acts on the platform itself. `changes` maps a field to its old and new
    value; secrets and message texts never enter it.
    """

    class ActorKind(models.TextChoices):
        USER = "user"
        KEY = "key"
        SUPPORT = "support"
        OPERATOR = "operator"
        SYSTEM = "system"

    # No cascade: a tenant's trail outlives its rows and is removed by its own retention.
    tenant = models.ForeignKey(
        Tenant,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        db_index=False,
    )
    number = models.BigIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=12, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=64, blank=True, default="")
    actor_label = models.CharField(max_length=254, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    request_id = models.CharField(max_length=32, blank=True, default="")
    # Dotted: member.role_changed, key.created, connection.removed, settings.changed …
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True, default="")
    object_id = models.CharField(max_length=64, blank=True, default="")
    object_label = models.CharField(max_length=254, blank=True, default="")
    changes = models.JSONField(default=dict)
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    stored_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"],
                nulls_distinct=False,
                name="tenancy_audit_number_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "action", "-number"], name="tenancy_audit_action"),
            models.Index(fields=["tenant", "actor_id", "-number"], name="tenancy_audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"
