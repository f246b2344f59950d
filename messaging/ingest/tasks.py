"""Periodic work on the shared event log; it belongs to no tenant."""

import logging

from celery import shared_task

from messaging.ingest import partitions

logger = logging.getLogger(__name__)


@shared_task(name="ingest.maintain_partitions", expires=3600, tenant_required=False)
def maintain_partitions() -> None:
    """Run daily: make partitions ahead and drop those past their retention."""
    report = partitions.maintain()
    logger.info("partitions maintained: %s", partitions.as_counts(report))
