"""`rebuild_metrics`: count every message of one or all companies again."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from analytics.services import counters
from evosense.core.schema import TenantRef, tenant_scope
from tenancy.management.output import JsonCommand
from tenancy.selectors.tenants import ready_tenants


class Command(JsonCommand):
    help = "Rebuild the counters behind the dashboards from the stored messages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", help="Slug of one company; all without it.")

    def answer(self, **options: Any) -> dict[str, Any]:
        report = {}
        for tenant in _chosen(options["tenant"]):
            with tenant_scope(tenant):
                report[tenant.slug] = counters.rebuild()
        return report


def _chosen(slug: str) -> list[TenantRef]:
    chosen = [tenant for tenant in ready_tenants() if slug in {"", tenant.slug}]
    if slug and not chosen:
        message = f"--tenant: there is no company with the slug {slug}"
        raise CommandError(message)
    return chosen
