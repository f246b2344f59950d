"""The fair rings as operators see them, and the way back for work that was given up."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.schema import public_scope
from evosense.core.streams import redis_client
from tenancy.db import fair
from tenancy.db.tickets import LANES, take_next
from tenancy.models import Tenant
from tenancy.services import audit

# What each kind of work is called before operators.
WORDS = {
    "ingest": _("Received events"),
    "dispatch": _("Sending"),
    "media": _("Files"),
    "ai": _("Analysis"),
    "asked": _("Waited for by people"),
    "webhooks": _("Webhooks to companies"),
    "maintenance": _("Upkeep"),
}


@dataclass(frozen=True, slots=True)
class TenantShare:
    """What one company has in a ring."""

    tenant: Tenant | None
    tenant_id: str
    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class Ring:
    """One kind of work: messages in its queue, and what its ring holds."""

    kind: str
    messages: int
    items: int
    running: int
    leases: int
    overdue: int
    dead: int
    tenants: tuple[TenantShare, ...]

    @property
    def label(self) -> str:
        return str(WORDS.get(self.kind, self.kind))

    @property
    def tenants_waiting(self) -> int:
        return sum(1 for share in self.tenants if share.waiting)


def rings(*, now: float) -> list[Ring]:
    """Return every ring; one round trip to Redis for each and one query in all."""
    raw = {kind: _read(kind, now) for kind in LANES}
    ids = {tenant_id for sizes, *_rest in raw.values() for tenant_id in sizes if tenant_id != "all"}
    with public_scope():
        known = {str(pk): tenant for pk, tenant in Tenant.objects.in_bulk(list(ids)).items()}
    return [_ring(kind, raw[kind], known) for kind in LANES]


def revive(kind: str) -> int:
    """Queue again what was given up in one ring, with all its attempts; returns how many."""
    if kind not in LANES:
        raise Invalid("kind_unknown", _("There is no such kind of work."), field="kind")
    client: Any = redis_client()
    key, revived = f"g:fair:{kind}:dead", 0
    for text in client.lrange(key, 0, -1):
        body = json.loads(text)
        # Queued before it is removed: a crash between the two repeats an item and loses none.
        fair.push(kind, tenant_id=UUID(body["tenant"]), task=body["task"], kwargs=body["kwargs"])
        revived += client.lrem(key, 1, text)
    audit.record(
        "work.revived", object_type="ring", object_id=kind, changes={"items": [0, revived]}
    )
    if revived:
        take_next.apply_async(kwargs={"kind": kind}, queue=kind)
    return revived


def _read(kind: str, now: float) -> tuple[dict[str, int], dict[str, int], list[int]]:
    pipe: Any = redis_client().pipeline(transaction=False)
    pipe.hgetall(f"g:fair:{kind}:size")
    pipe.hgetall(f"g:fair:{kind}:running")
    pipe.llen(kind)
    pipe.zcard(f"g:fair:{kind}:leases")
    pipe.zcount(f"g:fair:{kind}:leases", "-inf", now)
    pipe.llen(f"g:fair:{kind}:dead")
    sizes, running, *numbers = pipe.execute()
    return _counts(sizes), _counts(running), [int(each) for each in numbers]


def _counts(raw: dict[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in raw.items()}


def _ring(
    kind: str,
    raw: tuple[dict[str, int], dict[str, int], list[int]],
    known: dict[str, Tenant],
) -> Ring:
    sizes, running, (messages, leases, overdue, dead) = raw
    shares = [
        TenantShare(
            tenant=known.get(tenant_id),
            tenant_id=tenant_id,
            waiting=max(0, size - running.get(tenant_id, 0)),
            running=running.get(tenant_id, 0),
        )
        for tenant_id, size in sizes.items()
        if tenant_id != "all"
    ]
    return Ring(
        kind=kind,
        messages=messages,
        items=sizes.get("all", 0),
        running=sum(running.values()),
        leases=leases,
        overdue=overdue,
        dead=dead,
        tenants=tuple(sorted(shares, key=lambda share: -share.waiting)[:50]),
    )
