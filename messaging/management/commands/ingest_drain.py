"""Move spooled events of stopped receivers into the event log."""

import asyncio
import json
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError

from messaging.ingest.receiver.config import ReceiverConfig
from messaging.ingest.receiver.drainer import drain_once
from messaging.ingest.receiver.link import TooLateError


class Command(BaseCommand):
    help = "Move events that wait in the receiver's spool into the database, and print how many."

    def handle(self, *_args: Any, **_options: Any) -> None:
        config = ReceiverConfig.from_environment()
        try:
            drained = asyncio.run(drain_once(config.database_url, config.spool_dir))
        except (psycopg.Error, OSError, TooLateError) as error:
            raise CommandError(f"The spool could not be drained: {error}") from error
        self.stdout.write(json.dumps({"drained": drained}))
