"""`stats`: what one company has, counted exactly."""

from typing import Any

from django.core.management.base import CommandParser

from messaging.selectors.counts import stored_counts
from tenancy.management.output import JsonCommand
from tenancy.services.tenants import find_tenant


class Command(JsonCommand):
    help = "Count what is stored for one company."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def answer(self, **options: Any) -> dict[str, Any]:
        return dict(stored_counts(find_tenant(slug=options["tenant"]).ref))
