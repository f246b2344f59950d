"""Where the turns of one company meet: what several want of the database is done at once.

Ten outcomes in one transaction cost little more than one, so whoever comes while another is at it
waits for its end, and then one of those who waited does it for all of them. Who comes alone does
not wait. While many calls are under way their answers are near, and are worth a few milliseconds.

What fails together is done by each alone: a row that cannot be written, a lock that somebody holds
for long, concern one lane and not its neighbours.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import psycopg
import structlog
from django.db import InterfaceError, OperationalError

from evosense.core.tracebacks import headline
from messaging.sender import steps
from messaging.sender.claims import Claim
from messaging.sender.steps import End, LostLane, Next, Opening

Wish = TypeVar("Wish")
Result = TypeVar("Result")

log = structlog.get_logger(__name__)

# The database is away or refuses; the outcome of a call is kept until it is back.
OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OperationalError,
    InterfaceError,
)
# Results are of the type, None where the wish is to be done alone, or an exception to raise.
Work = Callable[[Sequence[Wish]], Sequence[Result | Exception | None]]

_MOST = 64
_LINGER_SECONDS = 0.015
# Of so many calls under way one more answer is worth waiting for.
_CALLS_FOR_ONE = 8


@dataclass(slots=True, eq=False)
class _Slip(Generic[Wish, Result]):
    wish: Wish
    result: Result | Exception | None = None
    is_done: bool = False
    is_called: threading.Event = field(default_factory=threading.Event)


class Counter(Generic[Wish, Result]):
    """One kind of work. The first to come does it for all who wait, and then calls the next."""

    def __init__(self, work: Work[Wish, Result], expected: Callable[[], int]) -> None:
        self._work = work
        # How many more may come soon.
        self._expected = expected
        self._change = threading.Condition()
        self._waiting: list[_Slip[Wish, Result]] = []
        self._is_busy = False

    def do(self, wish: Wish) -> Result | None:
        """Return what came of the wish; None: do it alone. Raises what the work said of it."""
        slip = _Slip[Wish, Result](wish)
        if not self._is_first(slip):
            slip.is_called.wait()
        if not slip.is_done:
            self._do_all()
        if isinstance(slip.result, Exception):
            raise slip.result
        return slip.result

    def _is_first(self, slip: _Slip[Wish, Result]) -> bool:
        with self._change:
            self._waiting.append(slip)
            if self._is_busy:
                if self._is_enough():
                    self._change.notify()
                return False
            self._is_busy = True
            return True

    def _is_enough(self) -> bool:
        return len(self._waiting) >= min(_MOST, 1 + self._expected() // _CALLS_FOR_ONE)

    def _do_all(self) -> None:
        with self._change:
            self._change.wait_for(self._is_enough, _LINGER_SECONDS)
            slips, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            self._fill(slips)
        finally:
            self._call_next()
            for slip in slips:
                slip.is_done = True
                slip.is_called.set()

    def _fill(self, slips: Sequence[_Slip[Wish, Result]]) -> None:
        try:
            results = self._work([slip.wish for slip in slips])
            for slip, result in zip(slips, results, strict=True):
                slip.result = result
        except Exception as error:  # noqa: BLE001  (whoever is to blame raises it again, alone)
            log.info("sender.done_alone", count=len(slips), error=headline(error))
        finally:
            steps.give_back_connection()

    def _call_next(self) -> None:
        with self._change:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].is_called.set()


class Desk:
    """One company's, in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._beginning: Counter[Claim, Opening] = Counter(steps.begin, lambda: 0)
        self._settling: Counter[End, Next] = Counter(steps.settle, lambda: self._calls)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Run the block as a call whose outcome will have to be settled."""
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def begin(self, claim: Claim) -> Opening:
        """Return what a turn begins with; raises LostLane or NoLine."""
        return self._beginning.do(claim) or _alone(steps.begin, claim)

    def settle(self, end: End) -> Next:
        """Write an outcome and return what is next; raises LostLane after it was written."""
        return self._settling.do(end) or _settle_alone(end)


def _settle_alone(end: End) -> Next:
    try:
        return _alone(steps.settle, end)
    except (*OUTAGES, LostLane):
        raise
    except Exception as error:
        if not end.take_next:
            raise
        # It may be the next message that cannot be read; this one's outcome must not be lost by it.
        log.warning("sender.next_not_taken", error=headline(error))
        return _alone(steps.settle, replace(end, take_next=False))


def _alone(work: Work[Wish, Result], wish: Wish) -> Result:
    result = work([wish])[0]
    if isinstance(result, Exception):
        raise result
    if result is None:
        raise RuntimeError("a single wish is never put off")
    return result
