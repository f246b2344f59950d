"""What senders and watchers must know of every company before they enter its schema."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evosense.core.crypto import EncryptedTextField
from evosense.core.ids import uuid7
from tenancy.models import Tenant


class EvolutionServer(models.Model):
    """An Evolution API server: of one company, or (no tenant) of the house and open to all."""

    class Breaker(models.TextChoices):
        CLOSED = "closed", _("Answering")
        OPEN = "open", _("Given a rest")
        HALF_OPEN = "half_open", _("Being tried again")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        Tenant, null=True, on_delete=models.CASCADE, related_name="evolution_servers"
    )
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=300)
    # The global key where there is one; connections may hold their instance's own token besides.
    api_key = EncryptedTextField(null=True)
    # As `GET /` told it; "" when never reached. What the server can do follows from it.
    version = models.CharField(max_length=40, blank=True, default="")
    capabilities = models.JSONField(default=dict)
    probed_at = models.DateTimeField(null=True)
    # A code of ours (`connect_failed`, `unauthorized`, `license_required`, …); "" when all is well.
    problem = models.CharField(max_length=40, blank=True, default="")
    breaker = models.CharField(max_length=10, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_failures = models.PositiveSmallIntegerField(default=0)
    breaker_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "url"], nulls_distinct=False, name="gateway_server_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(breaker__in=["closed", "open", "half_open"]),
                name="gateway_server_breaker_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Lane(models.Model):
    """One connection's sending line, as the senders of all companies see it.

    Whoever holds the unexpired lease is the only one that may send for this connection.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        HELD = "held", _("Waiting for the number")
        PAUSED = "paused", _("Paused")
        TRIPPED = "tripped", _("Stopped by an error")

    # The connection's public id.
    connection_id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    server = models.ForeignKey(
        EvolutionServer, null=True, on_delete=models.SET_NULL, related_name="lanes"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    # A code of ours: number_down, unauthorized, missing_instance, license_required, no_server, …
    reason = models.CharField(max_length=40, blank=True, default="")
    # When there is something to send or to reconcile; null when there is nothing.
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    holder = models.UUIDField(null=True)
    # When the watchers look at this connection again.
    watch_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "held", "paused", "tripped"]),
                name="gateway_lane_state_known",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="gateway_lane_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["watch_at"], name="gateway_lane_watch"),
        ]

    def __str__(self) -> str:
        return str(self.connection_id)
