"""Keep `locale/pt_BR` in step with the texts in code and templates."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evosense.core import catalogue


class Command(BaseCommand):
    help = "Update and compile the pt-BR catalogue; with --check only say whether it is complete."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail on gaps")

    def handle(self, *_args: Any, **options: Any) -> None:
        root, locale_dir = Path(settings.BASE_DIR), Path(settings.LOCALE_PATHS[0])
        act = catalogue.check if options["check"] else catalogue.sync
        report = act(root, locale_dir)
        if options["check"] and report.problems:
            listing = "\n".join(f"  - {problem}" for problem in report.problems)
            raise CommandError(f"the pt-BR catalogue is not complete:\n{listing}")
        self.stdout.write(json.dumps({"texts": report.total, "problems": len(report.problems)}))
