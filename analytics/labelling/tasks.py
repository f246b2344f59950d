"""Training takes seconds of a processor: a worker does it."""

import logging

from celery import shared_task

from analytics.labelling.training import train
from evosense.core.errors import Conflict

logger = logging.getLogger(__name__)


@shared_task(name="analytics.train_booster", queue="ai")
def train_booster() -> None:
    """Train a booster from the labels of now; without enough of them nothing happens."""
    try:
        train()
    except Conflict as refusal:
        logger.info("no booster was trained: %s", refusal.code)
