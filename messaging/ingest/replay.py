"""Process raw events again: after a deploy that understands them, or a correction by hand."""

from collections.abc import Sequence
from datetime import datetime

from evosense.core.schema import current_tenant
from messaging.ingest import queue


def replay(names: Sequence[tuple[int, datetime]]) -> int:
    """Set events of this tenant back to pending, by (id, received_at); returns how many.

    What was applied before is not applied twice; an event whose body was never kept stays.
    """
    return queue.reset(list(names), current_tenant().id) if names else 0
