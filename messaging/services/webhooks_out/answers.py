"""What an endpoint's answer means."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from evosense.core.http import Answer, EgressError

LONGEST_PAUSE = timedelta(days=1)
GONE = "gone"
# Our own doing: no attempt of theirs.
BUSY = "egress_busy"
_CODES = {410: GONE, 429: "too_many", 502: "away", 503: "away", 504: "away"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt. `error` is a code of ours, "" for a success."""

    status: int | None = None
    error: str = ""
    # It asked not to be called for so long.
    pause: timedelta | None = None


def outcome_of(answer: Answer, *, now: datetime) -> Outcome:
    """Judge an answer: 2xx is a success, everything else is not, a redirect neither."""
    if answer.is_success:
        return Outcome(answer.status)
    if 300 <= answer.status < 400:
        return Outcome(answer.status, "redirect")
    error = _CODES.get(answer.status, "http_error")
    asked = answer.headers.get("retry-after", "") if error in {"too_many", "away"} else ""
    return Outcome(answer.status, error, _pause(asked, now))


def outcome_of_failure(error: EgressError) -> Outcome:
    """Judge a request that got no answer."""
    return Outcome(error=error.code)


def _pause(asked: str, now: datetime) -> timedelta | None:
    """Read `Retry-After`, seconds or a date; a day at most."""
    text = asked.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**6)), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_PAUSE)
