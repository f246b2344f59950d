"""The process: claims lanes for its threads, keeps their leases alive, ends in order.

NOTIFY only wakes; polling is the truth. A server at which more of our threads already wait than
are left free gets no further one, so one slow server can never take them all.
"""

import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import connections

from evosense.core import heartbeat
from evosense.core.metrics import LAST_STEP, STEP_DONE, STEP_FAILURES
from evosense.core.schema import TenantRef, public_scope
from evosense.core.tracebacks import headline
from evosense.core.wakeup import Wakeup
from messaging.gateway.lanes import CHANNEL
from messaging.sender import claims, metrics
from messaging.sender.claims import Claim
from messaging.sender.desk import OUTAGES, Desk
from messaging.sender.periods import periods
from messaging.sender.turn import Turn
from tenancy.models import Tenant

log = structlog.get_logger(__name__)

THREADS = 64
_MOST_AT_ONCE = 8
_TENANT_SECONDS = 5.0
_END_WITHIN = 25.0
# A company that may not send, or is being moved, is looked at again after this.
_CLOSED_SECONDS = 60.0


@dataclass(slots=True)
class Sender:
    """One process's sender. `stop` may be called from a signal handler."""

    threads: int = THREADS
    _stopping: threading.Event = field(default_factory=threading.Event)
    _news: threading.Event = field(default_factory=threading.Event)
    _active: dict[UUID, Claim] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tenants: dict[UUID, tuple[float, TenantRef | None]] = field(default_factory=dict)
    _desks: defaultdict[UUID, Desk] = field(default_factory=lambda: defaultdict(Desk))
    # Whether due lanes may be waiting for a thread of ours to become free.
    _leaves_some: bool = True
    _is_once: bool = False

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    @property
    def has_calls_left(self) -> bool:
        return bool(self._active)

    def run(self, *, once: bool = False) -> None:
        """Send until stopped; `once` ends when no lane is due."""
        self._is_once = once
        helpers = [threading.Thread(target=self._keep_leases, daemon=True)]
        if not once:
            helpers.append(threading.Thread(target=self._listen, daemon=True))
        for helper in helpers:
            helper.start()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="sender")
        try:
            while not self._stopping.is_set():
                self._news.clear()
                if not self._round(pool) and once and not self._active:
                    break
                self._news.wait(periods().poll)
                heartbeat.beat()
        finally:
            self._stopping.set()
            connections["default"].close()
            self._wait_for_the_end(pool)

    def _round(self, pool: ThreadPoolExecutor) -> int:
        """Give every free thread a lane, as far as lanes are due; returns how many.

        The connection is kept for the next round, unless it is broken.
        """
        begun = 0
        try:
            while (free := self.threads - len(self._active)) > 0 and not self._stopping.is_set():
                # Few at a time: each batch moves the bound of busy servers.
                most = max(1, min(_MOST_AT_ONCE, free // 4))
                busy = self._busy(free)
                found = claims.claim(most, busy)
                begun += len(found)
                for one in found:
                    self._begin(pool, one)
                # A lane may have been left for want of threads only.
                self._leaves_some = len(found) == most or bool(busy)
                if len(found) < most:
                    break
        except OUTAGES as error:
            STEP_FAILURES.labels("sender").inc()
            log.warning("sender.database_away", error=headline(error))
            connections["default"].close()
        STEP_DONE.labels("sender").inc(begun)
        LAST_STEP.labels("sender").set_to_current_time()
        return begun

    def _busy(self, free: int) -> list[UUID]:
        with self._lock:
            held = Counter(one.server_id for one in self._active.values() if one.server_id)
        return [server for server, count in held.items() if count >= free]

    def _begin(self, pool: ThreadPoolExecutor, claimed: Claim) -> None:
        tenant = self._tenant(claimed.tenant_id)
        if tenant is None:
            claims.give_back(claimed, _CLOSED_SECONDS)
            return
        with self._lock:
            self._active[claimed.holder] = claimed
        metrics.ACTIVE.inc()
        pool.submit(self._turn, claimed, tenant, self._desks[tenant.id])

    def _turn(self, claimed: Claim, tenant: TenantRef, desk: Desk) -> None:
        turn = Turn(claimed, tenant, self._stopping.is_set, desk)
        try:
            turn.run()
        except OUTAGES as error:
            STEP_FAILURES.labels("sender").inc()
            log.warning("sender.database_away", error=headline(error))
        except Exception as error:
            # The lease runs out, so this lane is tried again, slowly.
            STEP_FAILURES.labels("sender").inc()
            log.exception("sender.turn_failed", error=headline(error))
        finally:
            with self._lock:
                self._active.pop(claimed.holder, None)
            metrics.ACTIVE.dec()
            if turn.leaves_some or self._leaves_some or self._is_once:
                self._news.set()

    def _tenant(self, tenant_id: UUID) -> TenantRef | None:
        """Return the company if it may send."""
        until, ref = self._tenants.get(tenant_id, (0.0, None))
        if until < time.monotonic():
            with public_scope():
                row = Tenant.objects.filter(pk=tenant_id, state=Tenant.State.READY).first()
            ref = row.ref if row else None
            self._tenants[tenant_id] = (time.monotonic() + _TENANT_SECONDS, ref)
        return None if ref is None or ref.is_restricted() else ref

    def _keep_leases(self) -> None:
        """Say for every lane that we are alive; a process that cannot loses them, as it should."""
        while True:
            time.sleep(periods().beat)
            with self._lock:
                held = list(self._active)
            if self._stopping.is_set() and not held:
                return
            try:
                if held:
                    claims.keep(held)
            except OUTAGES as error:
                log.warning("sender.leases_not_kept", error=headline(error))
            finally:
                connections["default"].close()

    def _listen(self) -> None:
        with Wakeup(CHANNEL) as wakeup:
            while not self._stopping.is_set():
                if wakeup.wait(1.0):
                    self._news.set()

    def _wait_for_the_end(self, pool: ThreadPoolExecutor) -> None:
        """Finish the calls that are under way; what takes longer is looked for by the next."""
        pool.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + _END_WITHIN
        while self._active and time.monotonic() < until:
            time.sleep(0.02)
        if self._active:
            log.warning("sender.calls_left", count=len(self._active))
