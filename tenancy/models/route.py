from django.db import models
from django.db.models.functions import Now

from tenancy.models.tenant import Tenant


class WebhookRoute(models.Model):
    """Where a webhook belongs, known before any tenant is: `id` is the connection's public id."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="webhook_routes")
    instance = models.CharField(max_length=120)
    token_hash = models.BinaryField(max_length=32)
    # While rotating both tokens open the door: a 404 makes Evolution drop messages at once.
    previous_token_hash = models.BinaryField(max_length=32, null=True)
    previous_valid_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.pk)
