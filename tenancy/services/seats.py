"""Seats: who holds one, and the lock under which they are counted and taken."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import LimitReached
from evosense.core.schema import in_transaction, public_scope
from tenancy.models import Invitation, Membership, Tenant
from tenancy.selectors.limits import limit_of


@dataclass(frozen=True, slots=True)
class Seats:
    """How many seats members and open invitations hold; without `limit` there is no end."""

    members: int
    invited: int
    limit: int | None

    @property
    def used(self) -> int:
        return self.members + self.invited

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.used >= self.limit


def seats_of(tenant_id: UUID) -> Seats:
    """Count for showing; whoever takes a seat goes through `take_seat`."""
    with public_scope():
        now = timezone.now()
        open_ones = Invitation.objects.filter(
            tenant_id=tenant_id, state=Invitation.State.OPEN, expires_at__gt=now
        )
        members = Membership.objects.filter(tenant_id=tenant_id, is_active=True)
        return Seats(members.count(), open_ones.count(), limit_of(tenant_id, "seats"))


def lock_seats(tenant_id: UUID) -> None:
    """Make everybody else who takes a seat of this company wait for our commit."""
    if not in_transaction():
        raise RuntimeError("Seats are counted inside the transaction that takes one.")
    with public_scope():
        # Key-share locks of rows that merely refer to the company do not wait for this one.
        Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant_id)


def take_seat(tenant_id: UUID) -> None:
    """Lock and check that one more person fits; raise LimitReached when not.

    Call it in the transaction that adds the invitation or brings a member back, before the row.
    """
    lock_seats(tenant_id)
    seats = seats_of(tenant_id)
    if seats.is_full:
        message = _("All %(limit)d seats are taken. Free one or choose a larger plan.")
        raise LimitReached("seats_taken", message % {"limit": seats.limit}, field="email")
