"""Starting a task of the house by name, after the commit, whether or not the broker is there."""

import logging
from functools import partial
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

from evosense.core.schema import after_commit

logger = logging.getLogger(__name__)


def kick(task: str, **kwargs: Any) -> None:
    """Send `task` (one with `tenant_required=False`) once the transaction commits.

    Only for work that a periodic sweep would find anyway: with the broker away the act stands and
    the sweep does the rest.
    """
    after_commit(partial(_send, task, kwargs))


def _send(task: str, kwargs: dict[str, Any]) -> None:
    try:
        current_app.send_task(task, kwargs=kwargs, retry=False)
    except (OperationalError, OSError):
        logger.warning("task %s was not sent; its sweep will find the work", task)
