"""One turn: a worker has a lane, sends what may leave, and gives it back.

Nothing is held while a server is waited for: no transaction, no connection to the database.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import structlog

from evosense.core.schema import TenantRef, tenant_scope
from evosense.core.tracebacks import headline
from messaging.gateway import breaker
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import evolution
from messaging.gateway.client.instance import Instance
from messaging.gateway.client.outcome import Outcome
from messaging.gateway.client.timing import PROBE_SECONDS
from messaging.gateway.models import EvolutionServer
from messaging.gateway.servers import instance_of
from messaging.gateway.ways import Unreachable
from messaging.models import Connection
from messaging.sender import claims, metrics, points, reconcile, steps
from messaging.sender.claims import Claim
from messaging.sender.desk import OUTAGES, Desk
from messaging.sender.periods import periods
from messaging.sender.steps import End, LostLane, NoLine, Opening, Place
from messaging.sender.taken import Taken
from messaging.sender.verdict import judge
from messaging.services.media import read_bytes

log = structlog.get_logger(__name__)

_SETTLE_WITHIN = 120.0
# A server that was just added is asked who it is by a task; that is a matter of seconds.
_SOON = frozenset({"not_probed"})


@dataclass(slots=True)
class Turn:
    """`is_stopping` asks whether the process wants to end."""

    claim: Claim
    tenant: TenantRef
    is_stopping: Callable[[], bool]
    # Shared with the other turns of this company.
    desk: Desk = field(default_factory=Desk)
    sent: int = 0
    # The lane was given back with more that may leave at once.
    leaves_some: bool = False
    # Let through to try a server after its rest, and so bound to tell what came of it.
    _is_trial: bool = False

    def run(self) -> None:
        """Work until nothing may leave, or until it is others' turn."""
        with tenant_scope(self.tenant):
            try:
                self._run()
            except LostLane:
                log.warning("sender.lane_lost", connection=str(self.claim.connection_id))
            except NoLine:
                claims.give_back(self.claim, periods().give_up)
            finally:
                steps.give_back_connection()

    def _run(self) -> None:
        if not self._server_may_be_asked():
            claims.give_back(self.claim, 1.0)
            return
        opening = self.desk.begin(self.claim)
        place = opening.place
        if opening.left_behind or opening.expired:
            steps.tidy(place)
        instance = self._instance(opening)
        if instance is None:
            return
        if opening.to_look_for or opening.left_behind:
            self._tell_breaker(instance, reconcile.look_for_due(place, instance))
        first = opening.taken if opening.is_taken else steps.take(place)
        self._send_all(place, instance, first)
        if self._is_trial:
            self._tell_breaker(instance, _probe(instance))

    def _server_may_be_asked(self) -> bool:
        if not self.claim.breaker:
            return True
        row = EvolutionServer(pk=self.claim.server_id, breaker=self.claim.breaker)
        self._is_trial = row.breaker != EvolutionServer.Breaker.CLOSED
        return breaker.available(row)

    def _instance(self, opening: Opening) -> Instance | None:
        try:
            if opening.unreachable is not None:
                raise opening.unreachable
            return opening.instance or instance_of(Connection.objects.get(pk=opening.place.line))
        except Unreachable as error:
            if error.code in _SOON:
                steps.rest(opening.place, reason=error.code)
            else:
                steps.stop(opening.place, error.code)
            return None

    def _send_all(self, place: Place, instance: Instance, first: Taken | None) -> None:
        taken, ends = first, time.monotonic() + periods().turn
        while taken is not None:
            points.reach(points.AFTER_INTENT)
            steps.give_back_connection()
            with self.desk.calling():
                outcome = self._call(instance, taken)
            points.reach(points.AFTER_ANSWER)
            self.sent += 1
            is_ours = time.monotonic() < ends and self.sent < periods().turn_messages
            taken = self._settle(place, instance, taken, outcome, go_on=is_ours)
            points.reach(points.AFTER_SETTLE)

    def _call(self, instance: Instance, taken: Taken) -> Outcome:
        metrics.WAITED_SECONDS.observe(max(0.0, taken.waited))
        if not taken.to:
            return Outcome("permanent", "no_address")
        points.reach(points.BEFORE_WRITE)
        outcome = evolution().send(
            instance,
            kind=taken.kind,
            payload=taken.payload,
            to=taken.to,
            read_media=read_bytes,
            preset_id=taken.preset_id,
            # Whoever is late may have lost the lane.
            not_after=taken.at + periods().write_within,
        )
        metrics.SENDS.labels(outcome.klass).inc()
        metrics.CALL_SECONDS.observe(outcome.milliseconds / 1000)
        return outcome

    def _settle(
        self, place: Place, instance: Instance, taken: Taken, outcome: Outcome, *, go_on: bool
    ) -> Taken | None:
        verdict = judge(taken, outcome)
        go_on = go_on and not self.is_stopping() and outcome.effect != "server_down"
        end = End(place, taken, outcome, verdict, take_next=go_on)
        found = with_patience(lambda: self.desk.settle(end).taken)
        self.leaves_some = not end.goes_on
        if not verdict.is_undone:
            is_down = outcome.effect == "server_down"
            self._tell_breaker(instance, outcome.code if is_down else "")
        return found

    def _tell_breaker(self, instance: Instance, fault: str | None) -> None:
        """Note a server's fault, or "" for an answer; None is no news."""
        if fault is None:
            return
        if fault:
            breaker.note_failure(instance.server_id, fault)
        elif self.claim.is_doubted:
            breaker.note_success(instance.server_id)
        self._is_trial = False


def _probe(instance: Instance) -> str | None:
    """Ask a server that was let through for its trial and got nothing to do."""
    steps.give_back_connection()
    try:
        evolution().connection_state(instance, seconds=PROBE_SECONDS)
    except EvolutionError as error:
        return reconcile.fault_of(error)
    return ""


def with_patience(act: Callable[[], Taken | None]) -> Taken | None:
    """Repeat a step while the database is away: only this process knows what it wants to write."""
    until, pause = time.monotonic() + _SETTLE_WITHIN, 0.1
    while True:
        try:
            return act()
        except (*OUTAGES, psycopg.errors.DeadlockDetected) as error:
            steps.give_back_connection()
            if time.monotonic() > until:
                raise
            log.warning("sender.settling_waits", error=headline(error))
        time.sleep(pause)
        pause = min(2.0, pause * 2)
