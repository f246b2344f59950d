"""The watch over connections, and the repairs of what they missed."""

from typing import Any

from celery import shared_task

from messaging.gateway.client.errors import EvolutionError
from messaging.services.gaps import run_repair
from messaging.services.health.following import follow_state as follow
from messaging.services.health.logbook import forget_old_looks as forget
from messaging.services.health.watch import watch_round


@shared_task(name="messaging.watch", tenant_required=False, expires=10)
def watch() -> None:
    """Look at the connections of all companies that are due; rounds may overlap."""
    watch_round()


@shared_task(name="messaging.follow_state", allow_suspended=True)
def follow_state(*, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Open or close incidents as soon as a connection told its state."""
    follow(payload["connection_id"])


@shared_task(name="messaging.repair_gap", allow_suspended=True, bind=True, max_retries=12)
def repair_gap(self: Any, *, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Read a server's own store for what is missing; goes on where the last attempt stopped."""
    try:
        run_repair(payload["repair_id"])
    except EvolutionError as error:
        raise self.retry(exc=error, countdown=60) from error


@shared_task(name="messaging.forget_old_looks", allow_suspended=True)
def forget_old_looks() -> None:
    """Keep the log of looks to 30 days."""
    forget()
