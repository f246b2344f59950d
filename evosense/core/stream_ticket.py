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
    # The public name of the log-in that asked, so that the stream ends with it.
    session: str = ""
    # Kinds of hints that this person may not be told of.
    hidden: frozenset[str] = frozenset()


def issue_ticket(
    *, tenant_id: UUID, user_id: int, session: str = "", hidden: Iterable[str] = ()
) -> str:
    """Return a ticket for a user that the caller has already let in."""
    said = [str(tenant_id), user_id, session, *sorted(hidden)]
    return signing.dumps(said, salt=_SALT, compress=False)


def read_ticket(raw: str) -> Ticket | None:
    """Return the ticket, or None when it is forged, altered or older than a minute."""
    try:
        said = signing.loads(raw, salt=_SALT, max_age=CONNECT_WITHIN)
        tenant_id, user_id, session, *hidden = said
        return Ticket(UUID(tenant_id), int(user_id), str(session), frozenset(hidden))
    except (signing.BadSignature, ValueError, TypeError):
        return None
