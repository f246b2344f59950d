"""From facts to rows: idempotent, in batches, in any order."""

from messaging.ingest.apply.batch import FEW, apply, lock_key
from messaging.ingest.apply.context import Item, RawEvent

__all__ = ["FEW", "Item", "RawEvent", "apply", "lock_key"]
