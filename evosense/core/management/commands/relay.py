"""`manage.py relay`: hands outbox events to subscribers and browsers until stopped."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from evosense.core.daemon import run_until_stopped
from evosense.core.outbox import relay


class Command(BaseCommand):
    help = "Relay outbox events to tasks and browsers until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        # With the broker away the events wait in their table.
        passing = (DatabaseError, OperationalError)
        run_until_stopped(relay, channel="outbox", name="relay", passing=passing)
