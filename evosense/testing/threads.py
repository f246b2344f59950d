"""Threads of a concurrency test."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections


def run_threads(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at once in threads of their own; return their results or raise the first error.

    Each starts without a tenant and closes its connections, which nobody else could.
    """
    results: list[Any] = [None] * len(acts)
    errors: list[BaseException] = []
    ready = threading.Barrier(len(acts))

    def run(index: int, act: Callable[[], Any]) -> None:
        try:
            ready.wait(60)
            results[index] = act()
        except BaseException as error:  # noqa: BLE001  handed to the caller's thread
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError("a thread of the test did not end")
    return results
