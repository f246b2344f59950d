"""Fair order over tenants: a ring in Redis, so that one tenant's thousand items delay nobody else.

Each tenant has a list of its own for each kind of work. The ring holds the tenants that have work
and a free slot; a turn serves as many items as the tenant's weight (deficit round robin), and a cap
bounds how many run at once. A served item is leased: if its worker dies, the reaper puts it back.
Work is therefore delivered at least once, and items hold ids only.

Order and caps were measured with one tenant dumping 5,000 items while others want one each second:
they wait 17 s (median) in one queue, 0.03 s in a ring.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from evosense.core.streams import redis_client
from tenancy.db import fair_scripts as scripts

MAX_ATTEMPTS = 5
KEPT_DEAD = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work of one tenant."""

    id: str
    tenant_id: UUID
    task: str
    kwargs: dict[str, Any]
    attempts: int = 0


def push(kind: str, *, tenant_id: UUID, task: str, kwargs: dict[str, Any], weight: int = 1) -> str:
    """Append work to the tenant's list; returns the item's id."""
    item_id = uuid4().hex
    body = {"id": item_id, "tenant": str(tenant_id), "task": task, "kwargs": kwargs, "attempts": 0}
    _run(scripts.PUSH, kind, str(tenant_id), json.dumps(body), max(1, weight), 0)
    return item_id


def call(kind: str, *, tenant_id: UUID, task: str, most: int, weight: int = 1) -> bool:
    """Append work that says no more than "look what waits"; False when `most` of it wait already.

    Whoever is called later finds the same, and a thousand calls would only keep other work waiting.
    """
    body = {
        "id": uuid4().hex,
        "tenant": str(tenant_id),
        "task": task,
        "kwargs": {},
        "call": True,
        "attempts": 0,
    }
    return bool(
        _run(scripts.PUSH, kind, str(tenant_id), json.dumps(body), max(1, weight), max(1, most))
    )


def take(kind: str, *, now: float, lease_seconds: float, cap: int) -> Item | None:
    """Lease the next item in fair order; None when no tenant has work and a free slot."""
    raw = _run(scripts.TAKE, kind, now + lease_seconds, max(1, cap))
    if not raw:
        return None
    body = json.loads(raw)
    return Item(
        id=body["id"],
        tenant_id=UUID(body["tenant"]),
        task=body["task"],
        kwargs=body["kwargs"],
        attempts=body["attempts"],
    )


def finish(kind: str, item_id: str) -> bool:
    """End an item; False when its lease had run out and somebody else has it or had it."""
    return bool(_run(scripts.FINISH, kind, item_id))


def postpone(kind: str, item_id: str, *, until: float, counts: bool = True) -> bool:
    """Free the slot of a failed item now and have the reaper bring it back after `until`.

    With `counts=False` this was no attempt: the tenant could not work.
    """
    return bool(_run(scripts.POSTPONE, kind, item_id, until, 0 if counts else 1))


def extend(kind: str, item_id: str, *, until: float) -> bool:
    """Keep a long item's lease; False when it is lost and the work must be given up."""
    return bool(_run(scripts.EXTEND, kind, item_id, until))


def reap(kind: str, *, now: float, limit: int = 500) -> int:
    """Put items with an expired lease back; too many attempts make an item dead. Returns both."""
    return int(_run(scripts.REAP, kind, now, limit, MAX_ATTEMPTS, KEPT_DEAD))


def forget_tenant(kind: str, tenant_id: UUID) -> int:
    """Drop what waits or died for a tenant that is gone; what runs ends by itself. How many."""
    return int(_run(scripts.FORGET, kind, str(tenant_id)))


def waiting(kind: str, tenant_id: UUID | None = None) -> int:
    """Count items that are waiting or running, of one tenant or of all."""
    client: Any = redis_client()
    return int(client.hget(f"g:fair:{kind}:size", str(tenant_id or "all")) or 0)


def dead(kind: str) -> list[Item]:
    """Return the latest items that failed for good."""
    rows: Any = redis_client().lrange(f"g:fair:{kind}:dead", 0, -1)
    bodies = [json.loads(row) for row in rows]
    return [
        Item(body["id"], UUID(body["tenant"]), body["task"], body["kwargs"], body["attempts"])
        for body in bodies
    ]


def _run(script: str, kind: str, *arguments: object) -> Any:
    # The keys are made inside from the kind and the tenant: this Redis is not a cluster.
    client: Any = redis_client()
    return client.eval(script, 0, kind, *[str(each) for each in arguments])
