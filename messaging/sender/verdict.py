"""From an outcome to what is written: the state machine of an attempt, without a database.

Rules of dispatch.md §2.3: only what certainly was not sent is tried again by itself.
"""

from dataclasses import dataclass

from messaging.gateway.client.outcome import Outcome
from messaging.sender.periods import periods, retry_after
from messaging.sender.taken import Taken

# Failures that are nobody's in particular (too many requests, an unreadable file) end some time.
# While a number or a server is away a message waits as long as it may: those do not count.
MOST_PASSING_FAULTS = 10
_LANES = {"trip_lane": "tripped", "hold_lane": "held"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` of the intent, `status` of its message ("" leaves it), `lane` ("" leaves it)."""

    state: str
    status: str = ""
    failure: dict[str, object] | None = None
    # Seconds until it is looked at again, and until the conversation goes on.
    after: float = 0.0
    hold: float | None = None
    lane: str = ""
    reason: str = ""
    is_undone: bool = False
    # One more of `MOST_PASSING_FAULTS`.
    is_passing: bool = False

    @property
    def is_final(self) -> bool:
        return self.state in ("sent", "failed", "dead")


def judge(taken: Taken, outcome: Outcome) -> Verdict:
    """Return what an outcome means for the attempt that it ended."""
    if outcome.klass == "accepted":
        return Verdict("sent", "sent")
    if outcome.klass == "not_sent":
        return _not_sent(taken, outcome)
    if outcome.klass == "permanent":
        return Verdict("failed", "failed", failure_of(outcome))
    if taken.is_act:
        return _again(taken, outcome)
    now = periods()
    return Verdict("unknown", failure=failure_of(outcome), after=now.first_check, hold=now.hold)


def _not_sent(taken: Taken, outcome: Outcome) -> Verdict:
    if outcome.code == "too_late":
        # Our own delay before the first byte: as if it had not been taken.
        return Verdict("queued", is_undone=True)
    lane = _LANES.get(outcome.effect, "")
    if lane:
        reason = "number_down" if lane == "held" else outcome.code
        return Verdict("queued", failure=failure_of(outcome), lane=lane, reason=reason)
    if outcome.effect == "server_down":
        # The server's breaker sets the pace for all of its lanes.
        return Verdict("queued", failure=failure_of(outcome), after=periods().first_retry)
    return _again(taken, outcome)


def _again(taken: Taken, outcome: Outcome) -> Verdict:
    faults = taken.passing_faults + 1
    if faults >= MOST_PASSING_FAULTS:
        failure = failure_of(outcome, can_retry=True)
        return Verdict("dead", "failed", failure, is_passing=True)
    return Verdict(
        "queued", failure=failure_of(outcome), after=retry_after(faults), is_passing=True
    )


def failure_of(outcome: Outcome, *, can_retry: bool | None = None) -> dict[str, object]:
    """Return what rows and pages keep of a failure."""
    helps = outcome.can_retry if can_retry is None else can_retry
    return {"code": outcome.code, "detail": outcome.detail[:300], "can_retry": helps}
