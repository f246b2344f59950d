"""`tenant_create`: a new company, ready to be used."""

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenancy.management.output import JsonCommand
from tenancy.models import Tenant
from tenancy.services import tenants


class Command(JsonCommand):
    help = "Create a company with its schema and, if wanted, its owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="Its address: <slug>.PUBLIC_HOST.")
        parser.add_argument("--name", required=True)
        parser.add_argument("--plan", choices=Tenant.Plan.values, default=Tenant.Plan.STARTER)
        parser.add_argument("--timezone", default="America/Sao_Paulo")
        parser.add_argument("--owner-email", default="")
        parser.add_argument(
            "--owner-password-env",
            default="",
            metavar="VAR",
            help="The environment variable that holds the owner's password.",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        tenant = tenants.create_tenant(
            name=options["name"],
            slug=options["slug"],
            plan=options["plan"],
            timezone=options["timezone"],
            owner_email=options["owner_email"],
            owner_password=_password(options["owner_password_env"]),
        )
        tenant = tenants.provision_now(tenant.id)
        return {
            "id": tenant.id,
            "slug": tenant.slug,
            "schema": tenant.schema_name,
            "host": tenants.host_of(tenant.slug),
        }


def _password(variable: str) -> str:
    if not variable:
        return ""
    password = os.environ.get(variable, "")
    if not password:
        raise CommandError(f"--owner-password-env: {variable} is not set")
    return password
