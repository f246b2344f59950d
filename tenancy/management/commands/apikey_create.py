"""`apikey_create`: a key for a program of one company."""

from typing import Any

from django.core.management.base import CommandParser

from tenancy.management.output import JsonCommand
from tenancy.permissions import SCOPES
from tenancy.services import keys, tenants


class Command(JsonCommand):
    help = "Create an API key; the printed key cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--scopes", required=True, help=f"all, or a comma separated list of {', '.join(SCOPES)}"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        tenant = tenants.find_tenant(slug=options["tenant"])
        row, key = keys.create_key(
            tenant_id=tenant.id,
            name=options["name"],
            scopes=[scope for scope in options["scopes"].split(",") if scope.strip()],
        )
        return {"id": row.pk, "key": key}
