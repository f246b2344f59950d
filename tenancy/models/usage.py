from django.db import models

from tenancy.models.tenant import Tenant


class TenantUsage(models.Model):
    """Last known numbers of one company, so that no operator page asks schema after schema."""

    tenant = models.OneToOneField(
        Tenant, primary_key=True, on_delete=models.CASCADE, related_name="usage"
    )
    members = models.PositiveIntegerField(default=0)
    connections = models.PositiveIntegerField(default=0)
    connected = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    messages_today = models.PositiveBigIntegerField(default=0)
    messages_month = models.PositiveBigIntegerField(default=0)
    last_event_at = models.DateTimeField(null=True)
    waiting = models.PositiveBigIntegerField(default=0)
    oldest_waiting_at = models.DateTimeField(null=True)
    kept = models.PositiveBigIntegerField(default=0)
    dead = models.PositiveBigIntegerField(default=0)
    # Incidents that are open: [{"kind", "severity", "code", "connection", "name", "since"}].
    incidents = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    open_incidents = models.PositiveIntegerField(default=0, db_default=0)
    # Sends of the last day that failed or were given up, and those whose outcome nobody knows.
    failed_sends = models.PositiveIntegerField(default=0, db_default=0)
    unknown_sends = models.PositiveIntegerField(default=0, db_default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.tenant_id)
