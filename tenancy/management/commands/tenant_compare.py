"""`tenant_compare`: whether two places hold the same, row by row; exit 3 when they do not."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenancy.archive.compare import compare_archive, compare_tenants
from tenancy.management.archives import (
    ComparingCommand,
    add_passphrase,
    passphrase_of,
    reading,
    told,
)
from tenancy.services.tenants import find_tenant


class Command(ComparingCommand):
    help = "Compare a company with an archive, or with another company or copy beside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--archive", default="", metavar="FILE")
        parser.add_argument("--with", default="", metavar="SLUG", dest="other")
        add_passphrase(parser)

    def answer(self, **options: Any) -> dict[str, Any]:
        if bool(options["archive"]) == bool(options["other"]):
            raise CommandError("give either --archive or --with")
        tenant = find_tenant(slug=options["tenant"])
        if options["other"]:
            return told(compare_tenants(tenant, find_tenant(slug=options["other"])))
        with reading(options["archive"]) as file:
            passphrase = passphrase_of(options["passphrase_env"])
            return told(compare_archive(file, passphrase, tenant))
