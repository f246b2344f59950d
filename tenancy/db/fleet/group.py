"""Brings one group of equal schemas up to date: a canary first, then the others at once."""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tenancy.db.fleet import steps
from tenancy.db.fleet.crew import work_through
from tenancy.db.fleet.plan import GroupPlan
from tenancy.db.fleet.steps import Step

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Orders:
    """How a run goes about it."""

    workers: int = 4
    # It gives up after so many failures; what the other workers have in hand is still ended.
    stop_after: int = 3
    lock_seconds: float = 3.0
    # Before the second, third, … round over the companies whose tables somebody held.
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    compare: bool = True


@dataclass
class Tally:
    """Who is done, who failed and why; shared by the threads of a run."""

    stop_after: int
    done: list[Step] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def stopped(self) -> bool:
        return len(self.failed) >= self.stop_after


@dataclass
class GroupRun:
    """The work on one group."""

    plan: GroupPlan
    orders: Orders
    tally: Tally
    script: list[str] | None = None
    locked: list[tuple[Step, Exception]] = field(default_factory=list)

    def go(self, waiting: list[Step]) -> None:
        """Go round until nobody waits for a lock any more or the patience is at its end."""
        for pause in (0.0, *self.orders.pauses):
            time.sleep(pause)
            self.locked = []
            self._round(waiting)
            waiting = [step for step, _error in self.locked]
            if not waiting or self.tally.stopped():
                return
        for step, error in self.locked:
            self._fail(step, error)

    def _round(self, waiting: list[Step]) -> None:
        rest = deque(waiting)
        way: Callable[[Step], bool] = steps.migrate_alone
        if not self.plan.obstacle:
            way = self._replay
            while self.script is None and rest and not self.tally.stopped():
                self._try(self._canary, rest.popleft())
        work_through(
            rest,
            partial(self._try, way),
            workers=self.orders.workers,
            stopped=self.tally.stopped,
        )

    def _canary(self, step: Step) -> bool:
        self.script = steps.record_canary(step) or None
        return self.script is not None

    def _replay(self, step: Step) -> bool:
        return self.script is not None and steps.replay(step, self.script)

    def _try(self, way: Callable[[Step], bool], step: Step) -> None:
        try:
            done = way(step)
        except Exception as error:  # noqa: BLE001  whatever it is, it is about this company
            if not steps.is_passing(error):
                self._fail(step, error)
                return
            steps.note_failure(step, error, for_good=False)
            self.locked.append((step, error))
        else:
            self.tally.done += [step] if done else []

    def _fail(self, step: Step, error: Exception) -> None:
        logger.error("%s was not migrated: %s", step.tenant.slug, steps.described(error))
        steps.note_failure(step, error, for_good=True)
        self.tally.failed[step.tenant.slug] = steps.described(error)
