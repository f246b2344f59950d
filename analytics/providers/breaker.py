"""A provider that fails is left alone for a while, and then tried by one request.

Whether it rests is one row for all processes, changed by single statements that say what they
expect: two processes cannot both be the one that tries. How many calls failed lately is a window
in Redis. What shows the request itself to be wrong (400, 413, a filter) does not count: a
customer's message must not stop everybody's analysis.

Of the house's providers a company can bring failures about by the model or the length that it asks
for. Those give a rest to this company and model alone (`rests`), never to the shared row.
"""

from dataclasses import dataclass

from analytics.providers import notices, rests, windows
from analytics.providers.failures import FINAL, OF_EVERYBODY, OF_THE_SERVER
from analytics.providers.models import Provider
from analytics.providers.refs import ProviderRef
from evosense.core.schema import database_cursor, public_scope

FEWEST_FAILURES = 5
WINDOW_SECONDS = 60
FIRST_REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 600.0
# Of one company and model at a provider of the house.
OWN_REST_SECONDS = 60.0
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
# The trial was not used, or told nothing: whoever comes next may try.
_HAND_BACK = """
UPDATE public.providers_provider
SET breaker = 'open', breaker_until = clock_timestamp()
WHERE id = %s AND breaker = 'half_open'
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a request may go, and what it must tell afterwards."""

    is_open: bool
    # The one request that tries whether the provider is back.
    is_trial: bool = False
    # Until it is worth asking again.
    wait_seconds: float = 0.0


def gate(ref: ProviderRef, model: str = "") -> Gate:
    """Tell whether a request may go now; after a rest only one caller hears yes.

    Whoever heard yes as the trial and sends nothing calls `hand_back`.
    """
    own = rests.left(_own_rest(ref, model)) if ref.asker_id else 0.0
    if own > 0:
        return Gate(is_open=False, wait_seconds=own)
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


def hand_back(ref: ProviderRef) -> None:
    """Let somebody else be the one who tries."""
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_HAND_BACK, [ref.id])


def note_success(ref: ProviderRef, *, is_trial: bool, model: str = "") -> None:
    """Count an answer; that of a trial lets everybody ask again.

    A late answer from before a rest does not end it: many others failed after it was sent.
    """
    if ref.asker_id:
        windows.note(_own_window(ref, model), is_good=True, seconds=WINDOW_SECONDS)
    if is_trial:
        close(ref)
    else:
        windows.note(_window(ref), is_good=True, seconds=WINDOW_SECONDS)


def note_failure(ref: ProviderRef, code: str, *, is_trial: bool, model: str = "") -> None:
    """Count a failure; refused keys, half of the last 20, or a failed trial mean a rest."""
    if ref.asker_id and code not in OF_EVERYBODY:
        _note_own(ref, code, model)
        if is_trial and code in OF_THE_SERVER:
            hand_back(ref)
        elif is_trial:
            close(ref)
    elif code in FINAL:
        _open(ref, code, failures=1)
    elif code in OF_THE_SERVER:
        counted = windows.note(_window(ref), is_good=False, seconds=WINDOW_SECONDS)
        if is_trial or _are_many(counted):
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


def _note_own(ref: ProviderRef, code: str, model: str) -> None:
    """Count a failure that the asker may have brought about, for that company and model alone."""
    if code in OF_THE_SERVER:
        window = _own_window(ref, model)
        if not _are_many(windows.note(window, is_good=False, seconds=WINDOW_SECONDS)):
            return
        windows.forget(window)
    elif code not in FINAL:
        return
    rests.begin(_own_rest(ref, model), OWN_REST_SECONDS)


def _are_many(counted: windows.Counted) -> bool:
    return counted.bad >= FEWEST_FAILURES and 2 * counted.bad >= counted.total


def _own_window(ref: ProviderRef, model: str) -> str:
    return f"{ref.memory_of(model)}:calls"


def _own_rest(ref: ProviderRef, model: str) -> str:
    return f"{ref.memory_of(model)}:rest"


def _window(ref: ProviderRef) -> str:
    return f"{ref.memory}:calls"
