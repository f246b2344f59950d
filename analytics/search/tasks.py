"""Filling and tending the search by meaning, in fair turns; all of it may be repeated."""

from typing import Any

from celery import shared_task

from analytics.search import cuts, filling, index, jobs, recall, saved, spaces, switching
from analytics.search.parameters import read_saved
from tenancy.db.tickets import fair_call

# One turn of a worker: some seconds, so that the next company waits no longer.
BATCHES = 5


@shared_task(name="analytics.fill_embeddings")
def fill_embeddings(**_event: Any) -> None:
    """Place waiting messages, and come again while there are more."""
    for _batch in range(BATCHES):
        if not filling.fill_queued():
            return
    if jobs.is_due():
        fair_call("ai", fill_embeddings)


@shared_task(name="analytics.fill_older")
def fill_older(**_event: Any) -> None:
    """Go on with what was there before a space, with a switch, and with what it left behind."""
    for _batch in range(BATCHES):
        if not switching.tend():
            return
    fair_call("ai", fill_older)


@shared_task(name="analytics.tend_search")
def tend_search() -> None:
    """Start what stands still: lost tickets, pauses that ended, a space that should change."""
    if jobs.is_due():
        fair_call("ai", fill_embeddings)
    fair_call("ai", fill_older)
    space = spaces.active_space()
    if space is not None:
        cuts.measure_if_due(space)


@shared_task(name="analytics.tend_vector_index", soft_time_limit=3_000, time_limit=3_300)
def tend_vector_index() -> None:
    """Once a night: the index, and how well it finds."""
    space = spaces.active_space()
    if space is None:
        return
    index.ensure_index(space)
    recall.check_if_due(space)


@shared_task(name="analytics.raise_search_alerts")
def raise_search_alerts() -> None:
    """Once a day: tell which saved searches were found often yesterday."""
    saved.raise_alerts(read_saved)
