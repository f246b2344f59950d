"""Errands as tasks: their own lane, because somebody looks at a page that waits."""

from celery import shared_task

from analytics.errands import rows
from analytics.errands.work import do_errand


@shared_task(name="analytics.run_errand")
def run_errand(*, errand_pk: int) -> None:
    """Do what somebody waits for; a second delivery does nothing."""
    do_errand(errand_pk)


@shared_task(name="analytics.forget_errands", expires=3600)
def forget_errands() -> None:
    """Delete yesterday's errands with the texts that they hold."""
    rows.forget_old()
