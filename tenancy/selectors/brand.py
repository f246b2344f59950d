"""How a company looks, remembered for a short while: every page and the log-in ask for it."""

import hashlib
import time
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from django.db import Error

from evosense.core.schema import public_scope
from tenancy.models import Brand

MEMORY_SECONDS = 30
_MEMORY_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Look:
    """What pages need to link to; empty parts are as the house has them."""

    name: str = ""
    color: str = ""
    logo_digest: str = ""

    @property
    def style_version(self) -> str:
        return hashlib.sha256(self.color.encode()).hexdigest()[:12] if self.color else ""


PLAIN = Look()
_memory: dict[UUID, tuple[float, Look]] = {}
_lock = Lock()


def look_of(tenant_id: UUID) -> Look:
    """Return the company's look, at most half a minute old; the house's when nothing can be read.

    Error pages ask too, when the database may be away.
    """
    known = _memory.get(tenant_id)
    if known and known[0] > time.monotonic():
        return known[1]
    try:
        look = read_look(tenant_id)
    except Error:
        return PLAIN
    with _lock:
        if len(_memory) >= _MEMORY_LIMIT:
            _memory.clear()
        _memory[tenant_id] = (time.monotonic() + MEMORY_SECONDS, look)
    return look


def read_look(tenant_id: UUID) -> Look:
    """Return the company's look as it is stored now."""
    with public_scope():
        row = Brand.objects.filter(pk=tenant_id).values("name", "color", "logo_digest").first()
    return Look(**row) if row else PLAIN


def logo_of(tenant_id: UUID) -> tuple[bytes, str] | None:
    """Return the logo's PNG and its digest, or None."""
    with public_scope():
        row = Brand.objects.filter(pk=tenant_id).exclude(logo=None).first()
    return (bytes(row.logo), row.logo_digest) if row and row.logo else None


def forget_looks() -> None:
    """Drop the memory; called when a brand changes in this process."""
    with _lock:
        _memory.clear()
