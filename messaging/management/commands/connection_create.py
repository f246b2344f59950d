"""`connection_create`: a WhatsApp number of one company, with the address for its webhooks."""

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser

from evosense.core.schema import tenant_scope
from messaging.services import connections
from tenancy.management.output import JsonCommand
from tenancy.services import tenants


class Command(JsonCommand):
    help = "Create a connection; the printed token cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True)
        parser.add_argument("--instance", required=True, help="Name of the instance on Evolution.")
        parser.add_argument("--server-url", default="", help="Address of the Evolution server.")
        parser.add_argument(
            "--api-key-env", metavar="VAR", help="Environment variable with the instance's key."
        )
        parser.add_argument("--number", default="", help="Own number with country code.")

    def answer(self, **options: Any) -> dict[str, Any]:
        tenant = tenants.find_tenant(slug=options["tenant"])
        with tenant_scope(tenant.ref):
            connections.check_server(options["server_url"])
            created = connections.create_connection(
                name=options["name"],
                instance=options["instance"],
                server_url=options["server_url"],
                api_key=_from_environment(options["api_key_env"]),
                number=options["number"],
            )
        return {
            "id": str(created.connection.public_id),
            "webhook_url": created.webhook_url,
            "webhook_token": created.token,
        }


def _from_environment(name: str | None) -> str:
    if not name:
        return ""
    try:
        return os.environ[name]
    except KeyError as error:
        raise CommandError(f"{name} is not set in the environment.") from error
