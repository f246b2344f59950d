"""`migrate`: the shared schema by Django's own command, then every company's.

django_tenants replaces the command by a walk through all schemas, one after the other.
"""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as SharedCommand

from evosense.core.schema import public_scope
from tenancy.db.fleet.run import migrate_fleet
from tenancy.db.migrate import impatient
from tenancy.management.output import refusals_as_one_line
from tenancy.management.verdicts import refuse_stopped

# Longer than for a company: nobody tries again, and everybody's log-in waits meanwhile.
SHARED_LOCK_SECONDS = 10
# With any of these the operator means the shared schema, or only wants to look.
_NARROW = ("shared", "app_label", "plan", "check_unapplied", "fake", "fake_initial", "prune")


class Command(SharedCommand):
    help = "Migrate the shared schema and then every company's; see also `tenants migrate`."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--shared", action="store_true", help="Leave the companies alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        with public_scope(), impatient(SHARED_LOCK_SECONDS):
            super().handle(*args, **options)
        if any(options.get(name) for name in _NARROW):
            return
        with refusals_as_one_line():
            report = migrate_fleet(wait=True)
        if options["verbosity"]:
            self.stdout.write(f"Companies: {report.migrated} migrated, {len(report.failed)} failed")
        refuse_stopped(report)
