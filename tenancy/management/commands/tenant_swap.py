"""`tenant_swap`: give a company the tables of its restored copy; the copy keeps the old ones."""

from typing import Any

from django.core.management.base import CommandParser

from tenancy.archive import restore
from tenancy.management.output import JsonCommand


class Command(JsonCommand):
    help = "Exchange the tables of a company and of its copy; again undoes it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--with", required=True, metavar="SLUG", dest="other")
        parser.add_argument(
            "--wait",
            type=float,
            default=restore.SETTLE_SECONDS,
            metavar="SECONDS",
            help="How long the company stands still before, so that nothing is written meanwhile.",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        swapped = restore.swap(
            slug=options["tenant"], with_slug=options["other"], wait=options["wait"]
        )
        return {"slug": swapped.slug, "schema": swapped.schema_name, "before": swapped.before}
