"""Make the partitions of the event log ahead of time and drop expired ones."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from messaging.ingest import partitions


class Command(BaseCommand):
    help = "Create the event log's partitions of the next days and drop those past retention."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(json.dumps(partitions.as_counts(partitions.maintain())))
