"""`seed_demo`: the demonstration company, its people, four numbers and 90 days behind them."""

from typing import Any

from django.core.management.base import CommandParser

from evosense.core.locks import named_lock
from evosense.core.schema import public_scope
from messaging.management import demo_company, demo_history
from messaging.simulator.demo import DEMO_DAYS
from tenancy.management.output import JsonCommand
from tenancy.services import tenants


class Command(JsonCommand):
    help = "Create the demonstration company with its history. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=DEMO_DAYS, help="how far back it goes")

    def answer(self, **options: Any) -> dict[str, Any]:
        # `make run` started twice must not make two of everything.
        with public_scope(), named_lock("messaging.seed_demo"):
            company = demo_company.ensure()
            demo_company.save(company)
            history = demo_history.ensure(company, days=options["days"])
        facts = company.facts()
        return {**facts, "host": tenants.host_of(company.tenant.slug), **history}
