"""Reads the next piece of a line while PostgreSQL works on this one.

Reading bodies is half of what a turn computes, and the database leaves the processor idle for
longer than that. Only the worker's own thread touches the database; this one sees bytes alone.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from messaging.ingest.apply import RawEvent
from messaging.ingest.envelope import parse
from messaging.ingest.queue import LineOfWork


@dataclass(slots=True)
class Ahead:
    """At most one piece, of the line it was begun for; dropped when another line comes first."""

    _line: LineOfWork | None = None
    _reading: Future[list[RawEvent]] | None = None
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "ahead"))

    def begin(self, line: LineOfWork, events: Sequence[RawEvent]) -> None:
        """Start reading; what was read before and not collected is forgotten."""
        self._line = line
        self._reading = self._pool.submit(_read, events) if events else None

    def collect(self, line: LineOfWork) -> dict[int, RawEvent]:
        """Hand over what was read of this line, once: a second try starts from the rows."""
        reading, self._reading = self._reading, None
        # What went wrong here goes wrong again in the turn itself, where it is counted.
        if reading is None or self._line != line or reading.exception() is not None:
            return {}
        return {event.id: event for event in reading.result()}


def _read(events: Sequence[RawEvent]) -> list[RawEvent]:
    for event in events:
        event.envelope = parse(event.body, event.received_at)
    return list(events)
