"""Switches of the house: whether something is on for a company.

One shared entry holds all switches, so a page that asks for five costs one read of Redis at most
every few seconds and none of the database.
"""

import time
from uuid import UUID

import redis
from django.core.cache import caches

from evosense.core.schema import public_scope
from tenancy.models import Feature

KEPT_SECONDS = 30
# What one process trusts without asking Redis again.
TRUSTED_SECONDS = 2.0
_KEY = "features"
_own: tuple[float, dict[str, object]] = (0.0, {})


def is_on(name: str, tenant_id: UUID) -> bool:
    """Tell whether the switch is on for this company; an unknown one is off."""
    found = _switches().get(name)
    if isinstance(found, list):
        return str(tenant_id) in found
    return bool(found)


def forget_features() -> None:
    """Have every process read the switches anew; call it after a change."""
    forget_here()
    try:
        caches["shared"].delete(_KEY)
    except redis.RedisError:
        # They are read again when their time is over.
        return


def forget_here() -> None:
    """Drop what this process remembers."""
    global _own  # noqa: PLW0603  (the memory of one process)
    _own = (0.0, {})


def _switches() -> dict[str, object]:
    global _own  # noqa: PLW0603
    until, known = _own
    if until > time.monotonic():
        return known
    known = _shared()
    _own = (time.monotonic() + TRUSTED_SECONDS, known)
    return known


def _shared() -> dict[str, object]:
    cache = caches["shared"]
    try:
        known: dict[str, object] | None = cache.get(_KEY)
        if known is None:
            known = _read()
            cache.set(_KEY, known, KEPT_SECONDS)
    except redis.RedisError:
        return _read()
    return known


def _read() -> dict[str, object]:
    """Return True, or the ids of the companies, for every switch that is not off."""
    with public_scope():
        rows = list(Feature.objects.exclude(state=Feature.State.OFF).values_list("name", "state"))
        chosen = Feature.tenants.through.objects.filter(
            feature_id__in=[name for name, state in rows if state == Feature.State.CHOSEN]
        ).values_list("feature_id", "tenant_id")
        per_name: dict[str, list[str]] = {}
        for name, tenant_id in chosen:
            per_name.setdefault(name, []).append(str(tenant_id))
    return {
        name: True if state == Feature.State.ON else per_name.get(name, []) for name, state in rows
    }
