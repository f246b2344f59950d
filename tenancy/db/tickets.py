"""Fair work as Celery tasks.

What to do waits in the fair ring (`tenancy.db.fair`); a Celery message is only a ticket, "take the
next item of this kind". Queues are by kind, because a queue for each tenant would make every
consumer subscribe to all of them, and priorities would starve the low ones.

A worker with a ticket goes on while there is work. So a tenant that waits for a free slot is served
by whoever frees it, and a lost ticket only costs time: the reaper sends new ones.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from celery import Task, current_app, shared_task
from celery.exceptions import Retry
from django.db import close_old_connections

from evosense.core.schema import (
    TENANT_HEADER,
    after_commit,
    current_tenant,
    public_scope,
)
from evosense.core.streams import redis_client
from tenancy.db import fair
from tenancy.db.tasks import TenantBusy, TenantRefused
from tenancy.models import Tenant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """How one kind of work is shared: slots of a tenant, seconds until a silent worker is dead."""

    cap: int
    lease_seconds: int


LANES = {
    # What has to be noted of an event before any work on it can begin: short, and never behind it.
    "ingest": Lane(cap=4, lease_seconds=120),
    "dispatch": Lane(cap=2, lease_seconds=120),
    "media": Lane(cap=3, lease_seconds=300),
    "ai": Lane(cap=4, lease_seconds=180),
    # What somebody waits for in front of a page.
    "asked": Lane(cap=4, lease_seconds=180),
    # Other people's servers, which may take their time; two workers at most for each of them.
    "webhooks": Lane(cap=4, lease_seconds=120),
    "maintenance": Lane(cap=1, lease_seconds=900),
}
WEIGHTS = {"starter": 1, "pro": 2, "scale": 4, "enterprise": 8}
# A worker gives its place back after these, so that other queues of the process get their turn.
TURN_ITEMS = 100
TURN_SECONDS = 20.0
# What people wait for, and what is new: analysis looks whether it is there after each item.
BEFORE_THE_BACKGROUND = ("asked", "ingest")
# After the first, second, … failure of an item.
PAUSES = (5.0, 30.0, 120.0, 600.0)
TICKETS_AT_ONCE = 8


def fair_enqueue(kind: str, task: Task, /, **kwargs: Any) -> None:
    """Queue work of the active tenant in fair order, after the commit."""
    _lane(kind)
    after_commit(partial(_admit, kind, current_tenant().id, task.name, kwargs))


def fair_call(kind: str, task: Task, /) -> None:
    """Have the active tenant's queue in the database looked at, after the commit.

    For tasks that find their work themselves: no more calls wait than may run at once.
    """
    _lane(kind)
    after_commit(partial(_call_for, kind, current_tenant().id, task.name))


@dataclass(frozen=True)
class Fairly:
    """An outbox subscriber whose events wait in fair order: `subscribe(Event, Fairly("ai", task))`.

    The relay publishes before it marks, so this queues at once. `more` are further arguments of
    the task, which so may serve several events.
    """

    kind: str
    task: Task
    more: dict[str, Any] = field(default_factory=dict)

    def apply_async(self, *, kwargs: dict[str, Any], headers: dict[str, str]) -> None:
        _lane(self.kind)
        tenant_id = UUID(headers[TENANT_HEADER])
        _admit(self.kind, tenant_id, self.task.name, {**kwargs, **self.more})


def _admit(kind: str, tenant_id: UUID, task_name: str, kwargs: dict[str, Any]) -> None:
    fair.push(kind, tenant_id=tenant_id, task=task_name, kwargs=kwargs, weight=_weight(tenant_id))
    _send_tickets(kind, 1)


def _call_for(kind: str, tenant_id: UUID, task_name: str) -> None:
    lane, weight = LANES[kind], _weight(tenant_id)
    if fair.call(kind, tenant_id=tenant_id, task=task_name, most=lane.cap, weight=weight):
        _send_tickets(kind, 1)


def _send_tickets(kind: str, number: int) -> None:
    for _ticket in range(number):
        take_next.apply_async(kwargs={"kind": kind}, queue=kind)


@shared_task(name="tenancy.take_next", tenant_required=False, expires=600)
def take_next(kind: str) -> None:
    """Do work of this kind in fair order until there is none or the turn is over."""
    if work_off(kind) >= TURN_ITEMS:
        _send_tickets(kind, 1)


def work_off(kind: str) -> int:
    """Run items until none is left or the turn is over; returns how many, TURN_ITEMS for time."""
    lane, started = _lane(kind), time.monotonic()
    for done in range(TURN_ITEMS):
        if time.monotonic() - started > TURN_SECONDS:
            break
        # Never before the first item: nobody may serve that queue here.
        if done and kind == "ai" and _somebody_waits():
            break
        item = fair.take(kind, now=time.time(), lease_seconds=lane.lease_seconds, cap=lane.cap)
        if item is None:
            return done
        _run(kind, item)
    return TURN_ITEMS


def _somebody_waits() -> bool:
    """Tell whether a ticket for what goes first has no worker; they are often the same ones.

    Redis has each queue as a list of its name.
    """
    client: Any = redis_client()
    return any(client.llen(queue) for queue in BEFORE_THE_BACKGROUND)


def _run(kind: str, item: fair.Item) -> None:
    try:
        _call(current_app.tasks[item.task], item)
    except TenantRefused as error:
        # Trying again is pointless: the tenant may not work, or is not there.
        logger.warning("%s dropped: %s", item.task, error)
        fair.finish(kind, item.id)
    except Exception as error:  # noqa: BLE001  whatever it is, the next tenant's work goes on
        _try_later(kind, item, error)
    else:
        fair.finish(kind, item.id)


def _call(task: Task, item: fair.Item) -> None:
    """Run the task as a worker would: in its tenant, or refused.

    Not `task.apply`, which answers a retry by running again at once.
    """
    task.push_request(
        id=item.id,
        args=[],
        kwargs=item.kwargs,
        headers={TENANT_HEADER: str(item.tenant_id)},
        retries=item.attempts,
        is_eager=True,
        called_directly=False,
    )
    try:
        task(**item.kwargs)
    finally:
        task.pop_request()


def _try_later(kind: str, item: fair.Item, error: Exception) -> None:
    close_old_connections()
    pause = PAUSES[min(item.attempts, len(PAUSES) - 1)]
    busy = False
    if isinstance(error, Retry):
        busy = isinstance(error.exc, TenantBusy)
        pause = float(error.when) if isinstance(error.when, int | float) else pause
    else:
        logger.warning("%s failed", item.task, exc_info=error)
    fair.postpone(kind, item.id, until=time.time() + pause, counts=not busy)


@shared_task(name="tenancy.reap_leases", tenant_required=False, expires=30)
def reap_leases() -> None:
    """Bring back the work of dead workers and send tickets where some may have been lost."""
    reap(LANES)


def reap(kinds: Iterable[str]) -> None:
    """See `reap_leases`."""
    for kind in kinds:
        fair.reap(kind, now=time.time())
        _send_tickets(kind, min(fair.waiting(kind), TICKETS_AT_ONCE))


def _lane(kind: str) -> Lane:
    if kind not in LANES:
        raise ValueError(f"{kind!r} is not a kind of work: {', '.join(LANES)}")
    return LANES[kind]


_known_weights: dict[UUID, tuple[float, int]] = {}


def _weight(tenant_id: UUID) -> int:
    """Return the tenant's share by plan, remembered for a minute."""
    now = time.monotonic()
    until, weight = _known_weights.get(tenant_id, (0.0, 1))
    if until < now:
        with public_scope():
            plan = Tenant.objects.filter(pk=tenant_id).values_list("plan", flat=True).first()
        weight = WEIGHTS.get(plan or "", 1)
        _known_weights[tenant_id] = (now + 60, weight)
    return weight
