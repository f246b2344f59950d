"""`seed_laboratory`: prompts, labels and finished experiments of the demonstration company."""

from typing import Any

from django.core.management.base import CommandParser

from analytics.experiments import demo
from evosense.core.locks import named_lock
from evosense.core.schema import public_scope, tenant_scope
from messaging.management.demo_company import SLUG
from tenancy.management.output import JsonCommand
from tenancy.services import tenants


class Command(JsonCommand):
    help = "Fill the laboratory of the demonstration company. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default=SLUG, help="short name of the company")

    def answer(self, **options: Any) -> dict[str, Any]:
        with public_scope(), named_lock("analytics.seed_laboratory"):
            tenant = tenants.find_tenant(slug=options["tenant"])
            with tenant_scope(tenant.ref):
                return demo.ensure()
