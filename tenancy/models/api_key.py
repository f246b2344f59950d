from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tenancy.models.tenant import Tenant


class ApiKey(models.Model):
    """A key of one tenant. Only the hash of its secret is kept; the key is shown once."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    public_part = models.CharField(max_length=8)
    secret_hash = models.BinaryField(max_length=32)
    last_four = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=40))
    created_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # Networks in CIDR form; empty means from anywhere.
    allowed_networks = ArrayField(models.CharField(max_length=49), default=list)
    # Outlives the person who made it; other keys end with their maker's membership.
    is_service = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_part"], name="tenancy_apikey_public_unique"),
            models.UniqueConstraint(
                fields=["tenant", "name"],
                condition=models.Q(revoked_at=None),
                name="tenancy_apikey_name_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"
