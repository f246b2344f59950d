"""The door through which the app that keeps raw events lends them to archives and deletions."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from tenancy.archive.packing import Packer

Tick = Callable[[int], None]


@dataclass(frozen=True)
class RawStore:
    """What that app can do with the raw events of one company, all in the caller's transaction.

    `pack` writes members below `raw/`; `unpack` takes the bytes of one such folder back; `settle`
    moves what was taken to its place and corrects the ids in the active tenant's tables; `purge`
    deletes a batch and says how many rows that were, 0 at the end.
    """

    tables: frozenset[str]
    pack: Callable[[Packer, UUID, Tick], None]
    unpack: Callable[[str], AbstractContextManager[Callable[[bytes], None]]]
    settle: Callable[[UUID], int]
    purge: Callable[[UUID], int]


def raw_tables() -> frozenset[str]:
    """Return the shared tables that the store answers for."""
    return _stores[0].tables if _stores else frozenset()


_stores: list[RawStore] = []


def register_raw_store(store: RawStore) -> None:
    """Call it in `AppConfig.ready` of the app that keeps raw events."""
    _stores[:] = [store]


def raw_store() -> RawStore:
    return _stores[0]
