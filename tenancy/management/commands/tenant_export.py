"""`tenant_export`: one company in one encrypted file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from tenancy.archive.export import export_tenant
from tenancy.management.archives import add_passphrase, passphrase_of, writing
from tenancy.management.output import JsonCommand
from tenancy.services import archives
from tenancy.services.tenants import find_tenant


class Command(JsonCommand):
    help = "Write everything that a company has here into one encrypted file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--to", required=True, metavar="FILE")
        add_passphrase(parser)
        parser.add_argument(
            "--with-raw-events", action="store_true", help="Also the log of received events."
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        tenant = find_tenant(slug=options["tenant"])
        passphrase = passphrase_of(options["passphrase_env"])
        archives.check_has_schema(tenant)
        with writing(options["to"]) as file:
            done = export_tenant(
                tenant.ref,
                file,
                passphrase=passphrase,
                with_raw_events=options["with_raw_events"],
            )
        archives.note_export(tenant, rows=done.rows)
        return {
            "id": tenant.id,
            "slug": tenant.slug,
            "file": options["to"],
            "bytes": Path(options["to"]).stat().st_size,
            "tables": done.tables,
            "rows": done.rows,
            "files": done.files,
            "fingerprint": done.head.fingerprint,
        }
