"""Threads that share a list of work.

Threads, not processes: a replay is a row of short statements whose time passes in the server, and
while a thread waits there it holds nothing of Python. Django's executor spends its time in Python;
two threads of it gain little, but data migrations of that kind wait for their statements too.
"""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.conf import settings
from django.db import connections

T = TypeVar("T")


def most_workers() -> int:
    """Return how many threads may hold a connection besides the one that holds the lock."""
    pool = settings.DATABASES["default"].get("OPTIONS", {}).get("pool")
    return max(1, int(pool["max_size"]) - 1) if isinstance(pool, dict) else 32


def work_through(
    items: Iterable[T], act: Callable[[T], None], *, workers: int, stopped: Callable[[], bool]
) -> None:
    """Call `act` with each item until all are done or `stopped`; raise the first error of any.

    After an error or an interruption every thread ends the item that it has and takes no more.
    """
    waiting = list(items)[::-1]
    workers = min(workers, most_workers(), len(waiting))
    if workers <= 1:
        # In this thread, whose connection must stay: it may hold a lock.
        while waiting and not stopped():
            act(waiting.pop())
        return
    _Crew(waiting, act, stopped).run(workers)


class _Crew:
    def __init__(
        self, waiting: list[T], act: Callable[[T], None], stopped: Callable[[], bool]
    ) -> None:
        self.waiting = waiting
        self.act: Callable[..., None] = act
        self.stopped = stopped
        self.errors: list[BaseException] = []
        self.ended = threading.Event()

    def run(self, workers: int) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()
        if self.errors:
            raise self.errors[0]

    def _work(self) -> None:
        try:
            while not self.ended.is_set() and not self.stopped():
                try:
                    item = self.waiting.pop()
                except IndexError:
                    return
                self.act(item)
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            self.errors.append(error)
            self.ended.set()
        finally:
            connections.close_all()
