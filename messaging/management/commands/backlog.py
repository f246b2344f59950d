"""`backlog`: what still waits; with --wait, until nothing does."""

import json
import time
from typing import Any

from django.core.management.base import CommandParser

from evosense.core.backlog import backlog, is_done
from tenancy.management.output import TerseCommand, refusals_as_one_line
from tenancy.services.tenants import find_tenant

POLL_SECONDS = 0.2
TIMED_OUT = 3


class Command(TerseCommand):
    help = "Count what is not done yet; with --wait, return when it is, or exit with 3."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", default="")
        parser.add_argument("--wait", type=float, metavar="SECONDS", default=0.0)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with refusals_as_one_line():
            slug = options["tenant"]
            tenant = find_tenant(slug=slug).ref if slug else None
            deadline = time.monotonic() + options["wait"]
            counts = backlog(tenant)
            while not is_done(counts) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                counts = backlog(tenant)
        self.stdout.write(json.dumps(counts))
        if options["wait"] and not is_done(counts):
            raise SystemExit(TIMED_OUT)
