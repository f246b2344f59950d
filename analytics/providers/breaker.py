"""A provider that fails is left alone for a while, and then tried by one request.

Whether it rests is one row for all processes, changed by single statements that say what they
expect: two processes cannot both be the one that tries. How many calls failed lately is a window
in Redis. What shows the request itself to be wrong (400, 413, a filter) does not count: a
customer's message must not stop everybody's analysis.
"""

from dataclasses import dataclass

from analytics.providers import notices, windows
from analytics.providers.failures import FINAL, OF_THE_SERVER
from analytics.providers.models import Provider
from analytics.providers.refs import ProviderRef
from evosense.core.schema import database_cursor, public_scope

FEWEST_FAILURES = 5
WINDOW_SECONDS = 60
FIRST_REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 600.0
# Whoever was let through and never told what came of it may be dead.
TRIAL_SECONDS = 180.0

_STATE = """
SELECT breaker, extract(epoch FROM breaker_until - clock_timestamp())::float8
FROM public.providers_provider WHERE id = %s
"""
_TRY = """
UPDATE public.providers_provider
SET breaker = 'half_open', breaker_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s AND breaker <> 'closed' AND breaker_until <= clock_timestamp()
"""
_CLOSE = """
UPDATE public.providers_provider
SET breaker = 'closed', breaker_failures = 0, breaker_openings = 0, breaker_until = NULL,
    problem = ''
WHERE id = %s AND (breaker <> 'closed' OR problem <> '')
"""
# While it is open, late failures of requests that were under way do not make the rest longer.
_OPEN = """
UPDATE public.providers_provider
SET breaker = 'open', breaker_failures = %(failures)s, problem = %(code)s,
    breaker_openings = least(20, breaker_openings + 1),
    breaker_until = clock_timestamp()
        + make_interval(secs => least(%(longest)s, %(first)s * 2 ^ least(20, breaker_openings)))
WHERE id = %(id)s AND breaker <> 'open'
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a request may go, and what it must tell afterwards."""

    is_open: bool
    # The one request that tries whether the provider is back.
    is_trial: bool = False
    # Until it is worth asking again.
    wait_seconds: float = 0.0


def gate(ref: ProviderRef) -> Gate:
    """Tell whether a request may go now; after a rest only one caller hears yes."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_STATE, [ref.id])
        row = cursor.fetchone()
        if row is None:
            return Gate(is_open=False)
        state, left = row
        if state == Provider.Breaker.CLOSED:
            return Gate(is_open=True)
        if (left or 0) > 0:
            return Gate(is_open=False, wait_seconds=left)
        cursor.execute(_TRY, [TRIAL_SECONDS, ref.id])
        is_mine = bool(cursor.rowcount)
    return Gate(is_open=is_mine, is_trial=is_mine, wait_seconds=0 if is_mine else TRIAL_SECONDS)


def note_success(ref: ProviderRef, *, is_trial: bool) -> None:
    """Count an answer; that of a trial lets everybody ask again.

    A late answer from before a rest does not end it: many others failed after it was sent.
    """
    if is_trial:
        close(ref)
    else:
        windows.note(_window(ref), is_good=True, seconds=WINDOW_SECONDS)


def note_failure(ref: ProviderRef, code: str, *, is_trial: bool) -> None:
    """Count a failure; refused keys, half of the last 20, or a failed trial mean a rest."""
    if code in FINAL:
        _open(ref, code, failures=1)
    elif code in OF_THE_SERVER:
        counted = windows.note(_window(ref), is_good=False, seconds=WINDOW_SECONDS)
        many = counted.bad >= FEWEST_FAILURES and 2 * counted.bad >= counted.total
        if many or is_trial:
            _open(ref, code, failures=counted.bad)
    elif is_trial:
        # It answered, if only with a refusal of this one text.
        close(ref)


def close(ref: ProviderRef) -> None:
    """Let everybody ask the provider again, whatever was noted before."""
    windows.forget(_window(ref))
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_CLOSE, [ref.id])
    notices.close_notices(ref)


def _open(ref: ProviderRef, code: str, *, failures: int) -> None:
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            _OPEN,
            {
                "id": ref.id,
                "failures": failures,
                "code": code,
                "first": FIRST_REST_SECONDS,
                "longest": LONGEST_REST_SECONDS,
            },
        )
        is_new = bool(cursor.rowcount)
    # What failed before the rest says nothing about the time after it.
    windows.forget(_window(ref))
    if is_new:
        notices.open_notice(ref, code)


def _window(ref: ProviderRef) -> str:
    return f"{ref.memory}:calls"
