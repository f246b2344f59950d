"""A server that does not answer is left alone for a while, and then tried by one request.

The state is one row for all processes, changed by single statements that say what they expect: two
processes cannot both be the one that tries. Only what shows the server itself to be down counts
here; an instance that hangs concerns its own lane.
"""

import os
from uuid import UUID

from evosense.core.schema import database_cursor, public_scope
from messaging.gateway.models import EvolutionServer

FAILURES_TO_OPEN = 3
FIRST_REST_SECONDS = float(os.environ.get("EVOSENSE_BREAKER_SECONDS", "15"))
LONGEST_REST_SECONDS = 300.0
# Whoever was let through and never told what came of it may be dead.
TRIAL_SECONDS = float(os.environ.get("EVOSENSE_BREAKER_TRIAL_SECONDS", "90"))
# One such answer is enough: it is about the whole server and says so.
_AT_ONCE = frozenset({"license_required"})

_TRY = """
UPDATE public.gateway_evolutionserver
SET breaker = 'half_open', breaker_until = now() + make_interval(secs => %s)
WHERE id = %s AND breaker <> 'closed' AND breaker_until <= clock_timestamp()
"""
_SUCCESS = """
UPDATE public.gateway_evolutionserver
SET breaker = 'closed', breaker_failures = 0, breaker_until = NULL, problem = ''
WHERE id = %s AND (breaker <> 'closed' OR breaker_failures > 0)
"""
# While it is open late failures of requests that were under way do not make the rest longer.
_FAILURE = """
UPDATE public.gateway_evolutionserver AS s
SET breaker_failures = counted.failures,
    breaker = CASE WHEN counted.failures >= %(limit)s THEN 'open' ELSE s.breaker END,
    breaker_until = CASE WHEN counted.failures >= %(limit)s THEN clock_timestamp()
        + make_interval(secs => least(%(longest)s, %(first)s * 2 ^ (counted.failures - %(limit)s)))
        ELSE s.breaker_until END,
    problem = CASE WHEN counted.failures >= %(limit)s THEN %(code)s ELSE s.problem END
FROM (
    SELECT id, least(20, greatest(breaker_failures + 1, %(least)s)) AS failures
    FROM public.gateway_evolutionserver WHERE id = %(id)s FOR UPDATE
) AS counted
WHERE s.id = counted.id AND s.breaker <> 'open'
"""


def available(server: EvolutionServer) -> bool:
    """Tell whether a request may go to `server` now; after a rest only one caller hears yes."""
    if server.breaker == EvolutionServer.Breaker.CLOSED:
        return True
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_TRY, [TRIAL_SECONDS, server.pk])
        return bool(cursor.rowcount)


def note_success(server_id: UUID) -> None:
    """Let everybody use the server again, whatever was noted before."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_SUCCESS, [server_id])


def note_failure(server_id: UUID, code: str) -> None:
    """Count a failure; three in a row, or one after a rest, mean a rest, each twice as long."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            _FAILURE,
            {
                "id": server_id,
                "limit": FAILURES_TO_OPEN,
                "least": FAILURES_TO_OPEN if code in _AT_ONCE else 0,
                "first": FIRST_REST_SECONDS,
                "longest": LONGEST_REST_SECONDS,
                "code": code[:40],
            },
        )
