"""Make the partitions of the event log ahead of time and drop expired ones."""

from typing import Any

from messaging.ingest import partitions
from tenancy.management.output import JsonCommand


class Command(JsonCommand):
    help = "Create the event log's partitions of the next days and drop those past retention."

    def answer(self, **_options: Any) -> dict[str, Any]:
        return dict(partitions.as_counts(partitions.maintain()))
