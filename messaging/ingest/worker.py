"""The ingest worker: fair turns over tenants and connections, live before history.

PostgreSQL is the queue. A turn is one transaction: lock the line, take a piece, apply it, mark
it. NOTIFY only wakes; polling is the truth. Any number of workers may run: a line whose lock
another one holds is left alone.
"""

import gc
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError, connections, transaction

from evosense.core import heartbeat
from evosense.core.metrics import LAST_STEP, STEP_DONE, STEP_FAILURES
from evosense.core.schema import TenantRef, after_commit, public_scope, tenant_scope
from evosense.core.tracebacks import headline
from messaging.hints import send_hint
from messaging.ingest import hand, queue
from messaging.ingest.ahead import Ahead
from messaging.ingest.apply import FEW, RawEvent, apply, lock_key
from messaging.ingest.queue import LineOfWork
from messaging.sql import Sql
from tenancy.models import Tenant

log = structlog.get_logger()

# Less than half a second of work: statements cost the same for ten events and for thousands.
TURN = 2_000
POLL_SECONDS = 1.0
RETRIES = 4
_TENANT_SECONDS = 5.0
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
# Another transaction got in the way: the same batch will do in a moment.
_COLLISIONS = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
)
# The server is away or refuses: no event is to blame.
_OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError)
_CLOSED_STATES = (Tenant.State.MOVING, Tenant.State.DELETING, Tenant.State.PROVISIONING)


@dataclass(slots=True)
class Worker:
    """One process's loop. `stop` may be called from a signal handler."""

    turn_size: int = TURN
    _stopping: bool = False
    _is_alone: bool = False
    _start: int = field(default_factory=lambda: random.randrange(1_000))  # noqa: S311
    _tenants: dict[UUID, tuple[float, TenantRef | None]] = field(default_factory=dict)
    _ahead: Ahead = field(default_factory=Ahead)

    def stop(self) -> None:
        self._stopping = True

    def run(self, wait: Callable[[float], object]) -> None:
        """Work until stopped; `wait` returns early when something was notified."""
        while not self._stopping:
            try:
                worked = self.round()
                STEP_DONE.labels("ingest").inc(worked)
                LAST_STEP.labels("ingest").set_to_current_time()
            except _OUTAGES as error:
                STEP_FAILURES.labels("ingest").inc()
                log.warning("ingest.database_away", error=headline(error))
                connections.close_all()
                worked = 0
            heartbeat.beat()
            if not worked and not self._stopping:
                wait(POLL_SECONDS)

    def round(self) -> int:
        """Give each waiting line one turn; returns how many events were finished."""
        lines = queue.waiting_lines()
        live = [line for line in lines if line.lane == queue.LIVE]
        history = [line for line in lines if line.lane == queue.HISTORY]
        self._start += 1
        self._is_alone = len(lines) == 1
        done = sum(self._turns(live))
        # While messages are live, history gets one turn of one line after them.
        return done + sum(self._turns(history, most=1 if done else None))

    def drain(self) -> int:
        """Work until nothing is due; for tests and commands."""
        total = 0
        while done := self.round():
            total += done
        return total

    def _turns(self, lines: Sequence[LineOfWork], most: int | None = None) -> Iterable[int]:
        for line in itertools.islice(fairly(lines, self._start), most):
            if self._stopping:
                return
            tenant = self._tenant(line.tenant_id)
            if tenant is not None:
                # Between turns on several lines another worker may take what was read ahead.
                ahead = self._ahead if self._is_alone else None
                yield turn(tenant, line, self.turn_size, ahead)

    def _tenant(self, tenant_id: UUID) -> TenantRef | None:
        """Return the tenant if it may be written to; suspended ones still receive."""
        until, ref = self._tenants.get(tenant_id, (0.0, None))
        if until < time.monotonic():
            with public_scope():
                row = Tenant.objects.filter(pk=tenant_id).exclude(state__in=_CLOSED_STATES).first()
            ref = row.ref if row else None
            self._tenants[tenant_id] = (time.monotonic() + _TENANT_SECONDS, ref)
        return ref


def collect_rarely() -> None:
    """Collect cycles seldom: parsed bodies are trees, and walking them cost a fifth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def fairly(lines: Sequence[LineOfWork], start: int) -> Iterable[LineOfWork]:
    """Order lines so that each tenant comes once before any comes twice."""
    by_tenant: dict[UUID, list[LineOfWork]] = defaultdict(list)
    for line in lines:
        by_tenant[line.tenant_id].append(line)
    queues = [_rotate(group, start) for group in by_tenant.values()]
    for ring in itertools.zip_longest(*_rotate(queues, start)):
        yield from (line for line in ring if line is not None)


def _rotate(items: list[LineOfWork] | list[list[LineOfWork]], start: int) -> list:  # type: ignore[type-arg]
    first = start % len(items) if items else 0
    return [*items[first:], *items[:first]]


def turn(tenant: TenantRef, line: LineOfWork, limit: int, ahead: Ahead | None = None) -> int:
    """Process one piece of one line; returns how many events left the queue or failed once."""
    taken: list[RawEvent] = []
    with tenant_scope(tenant):
        try:
            return _with_retries(lambda: _attempt(tenant, line, limit, taken, ahead))
        except _OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001  any bug in one event must not stop the others
            log.warning("ingest.batch_failed", error=headline(error), events=len(taken))
            return _isolate(tenant, line, list(taken), error)


def _attempt(
    tenant: TenantRef, line: LineOfWork, limit: int, taken: list[RawEvent], ahead: Ahead | None
) -> int:
    taken.clear()
    known = ahead.collect(line) if ahead else {}
    with transaction.atomic(durable=True):
        sql = Sql()
        if not sql.often(_TRY_LOCK, [lock_key(line.connection_id)])[0][0]:
            return 0
        suspects = hand.left_behind(tenant.id, line.connection_id, line.lane)
        size = max(1, len(suspects) // 2) if suspects else limit
        taken += queue.take(sql, line, size, known)
        if len(suspects) == 1 and [event.id for event in taken] == suspects:
            hand.forget(tenant.id, line.connection_id, line.lane)
            raise hand.WorkerDiedError("the process ended while it read this event")
        if ahead and not suspects and len(taken) == limit:
            following = queue.following(sql, line, taken, limit)
            return _finish(tenant, line, sql, taken, ahead, following)
        return _finish(tenant, line, sql, taken)


def _finish(
    tenant: TenantRef,
    line: LineOfWork,
    sql: Sql,
    events: Sequence[RawEvent],
    ahead: Ahead | None = None,
    following: Sequence[RawEvent] = (),
) -> int:
    if not events:
        return 0
    if len(events) <= FEW:
        sql.keep_plans()
    started = time.perf_counter()
    meanwhile = (lambda: ahead.begin(line, following)) if ahead else None
    # The process may as well die of an event that is read ahead.
    ids = [event.id for event in (*events, *following)]
    with hand.holding(tenant.id, line.connection_id, line.lane, ids):
        items = apply(line.connection_id, events, meanwhile)
    spent = (time.perf_counter() - started) * 1000 / len(items)
    queue.mark(sql, line.connection_id, items, round(spent))
    topic, about = "messaging.raw_events_processed", {"connection_id": str(line.connection_id)}
    after_commit(lambda: send_hint(tenant.id, topic, about))
    return len(items)


def _isolate(
    tenant: TenantRef, line: LineOfWork, events: list[RawEvent], error: BaseException
) -> int:
    """Halve a failed batch until the event that fails alone is found; only that one counts."""
    if not events:
        raise error
    if len(events) == 1:
        queue.fail(events[0], error)
        log.warning("ingest.event_failed", raw_id=events[0].id, error=headline(error))
        return 1
    middle = len(events) // 2
    return sum(_piece(tenant, line, half) for half in (events[:middle], events[middle:]))


def _piece(tenant: TenantRef, line: LineOfWork, events: list[RawEvent]) -> int:
    try:
        return _with_retries(lambda: _again(tenant, line, events))
    except _OUTAGES:
        raise
    except Exception as error:  # noqa: BLE001
        return _isolate(tenant, line, events, error)


def _again(tenant: TenantRef, line: LineOfWork, events: list[RawEvent]) -> int:
    with transaction.atomic(durable=True):
        sql = Sql()
        sql.rows(_LOCK, [lock_key(line.connection_id)])
        return _finish(tenant, line, sql, queue.take_again(sql, tenant.id, events))


def _with_retries(act: Callable[[], int]) -> int:
    for attempt in range(RETRIES):
        try:
            return act()
        except _COLLISIONS as error:
            if attempt == RETRIES - 1:
                raise
            log.info("ingest.collision", error=headline(error))
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
    return 0
