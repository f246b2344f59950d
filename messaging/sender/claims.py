"""Who sends for which connection: leases on lanes, taken and kept over all companies.

One statement takes lanes that are due and nobody's; SKIP LOCKED lets senders pass each other by.
A lease names its claim, so whoever lost it can tell.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from evosense.core.schema import database_cursor, public_scope
from messaging.gateway.models import EvolutionServer
from messaging.sender.periods import periods

# A server at rest costs its lanes nothing but waiting; when its rest is over one lane tries it.
# Its commit waits for no disk: of a claim that a crash of the database forgets nothing was done,
# because whatever is done asks for the claim again, and makes it last.
_CLAIM = """
UPDATE public.gateway_lane l
SET holder = gen_random_uuid(), lease_until = now() + make_interval(secs => %s)
FROM (
    SELECT d.connection_id, s.breaker, s.breaker_failures
    FROM public.gateway_lane d LEFT JOIN public.gateway_evolutionserver s ON s.id = d.server_id
    WHERE d.due_at <= now() AND (d.lease_until IS NULL OR d.lease_until < now())
      AND d.state <> 'tripped'
      AND (s.id IS NULL OR s.breaker = 'closed' OR s.breaker_until <= now())
      AND NOT coalesce(d.server_id = ANY(%s), false)
      AND set_config('synchronous_commit', 'off', true) = 'off'
    ORDER BY d.due_at LIMIT %s FOR UPDATE OF d SKIP LOCKED
) due
WHERE l.connection_id = due.connection_id
RETURNING l.connection_id, l.tenant_id, l.server_id, l.holder, due.breaker, due.breaker_failures
"""
# One that somebody has locked for long is left alone, so that the others live on.
_KEEP = """
UPDATE public.gateway_lane l SET lease_until = now() + make_interval(secs => %s)
FROM (
    SELECT connection_id FROM public.gateway_lane WHERE holder = ANY(%s) FOR UPDATE SKIP LOCKED
) mine WHERE l.connection_id = mine.connection_id
"""
_GIVE_BACK = """
UPDATE public.gateway_lane SET holder = NULL, lease_until = NULL,
    due_at = greatest(due_at, now() + make_interval(secs => %s))
WHERE connection_id = %s AND holder = %s
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A lane that is ours until the lease ends."""

    connection_id: UUID
    tenant_id: UUID
    server_id: UUID | None
    holder: UUID
    # Of the server: its breaker's state, "" without a server, and failures in a row.
    breaker: str = ""
    failures: int = 0

    @property
    def is_doubted(self) -> bool:
        """Tell whether a success of the server is news."""
        return bool(self.failures) or self.breaker not in ("", EvolutionServer.Breaker.CLOSED)


def claim(most: int, busy_servers: Collection[UUID]) -> list[Claim]:
    """Take up to `most` due lanes, the longest due first, none of `busy_servers`."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_CLAIM, [periods().lease, list(busy_servers), most])
        return [
            Claim(connection, tenant, server, holder, breaker or "", failures or 0)
            for connection, tenant, server, holder, breaker, failures in cursor.fetchall()
        ]


def keep(holders: Sequence[UUID]) -> None:
    """Say that these claims are still worked on."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_KEEP, [periods().lease, list(holders)])


def give_back(claimed: Claim, seconds: float = 0.0) -> None:
    """Return a lane untouched, to be looked at after so many seconds."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_GIVE_BACK, [seconds, claimed.connection_id, claimed.holder])
