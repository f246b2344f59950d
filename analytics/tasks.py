from typing import Any

from celery import shared_task

from analytics.analysis import tasks as analysis_tasks  # noqa: F401  (found by Celery from here)
from analytics.errands import tasks as errand_tasks  # noqa: F401
from analytics.experiments import tasks as experiment_tasks  # noqa: F401
from analytics.labelling import tasks as labelling_tasks  # noqa: F401
from analytics.providers import tasks as provider_tasks  # noqa: F401
from analytics.search import tasks as search_tasks  # noqa: F401
from analytics.services import counters
from analytics.transcribing import tasks as transcribing_tasks  # noqa: F401


@shared_task(name="analytics.count_stored_messages")
def count_stored_messages(*, event_id: int, payload: dict[str, Any]) -> None:  # noqa: ARG001
    """Count again the hours in which new messages happened."""
    counters.recount_messages(message_ids=payload["message_ids"])
