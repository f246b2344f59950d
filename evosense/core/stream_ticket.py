"""Tickets for event streams: who may listen to which tenant, signed, short-lived."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core import signing

_SALT = "evosense.stream"
# Seconds between issue and connection; a stream itself lives longer than its ticket.
CONNECT_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    tenant_id: UUID
    user_id: int
    # Kinds of hints that this person may not be told of.
    hidden: frozenset[str] = frozenset()


def issue_ticket(*, tenant_id: UUID, user_id: int, hidden: Iterable[str] = ()) -> str:
    """Return a ticket for a user that the caller has already let in."""
    return signing.dumps([str(tenant_id), user_id, *sorted(hidden)], salt=_SALT, compress=False)


def read_ticket(raw: str) -> Ticket | None:
    """Return the ticket, or None when it is forged, altered or older than a minute."""
    try:
        tenant_id, user_id, *hidden = signing.loads(raw, salt=_SALT, max_age=CONNECT_WITHIN)
        return Ticket(tenant_id=UUID(tenant_id), user_id=int(user_id), hidden=frozenset(hidden))
    except (signing.BadSignature, ValueError, TypeError):
        return None
