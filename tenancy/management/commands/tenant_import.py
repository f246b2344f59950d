"""`tenant_import`: a company from its archive, as it was."""

from typing import Any

from django.core.management.base import CommandParser

from tenancy.archive import restore
from tenancy.archive.compare import compare_archive
from tenancy.management.archives import (
    ComparingCommand,
    add_passphrase,
    passphrase_of,
    reading,
    told,
)
from tenancy.services.tenants import find_tenant


class Command(ComparingCommand):
    help = "Create a company from an archive, or a copy beside the one that it came from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--slug", default="", help="Another address than it had.")
        parser.add_argument(
            "--beside",
            default="",
            metavar="SLUG",
            help="Only the tables, beside this company, to compare and swap with `tenant_swap`.",
        )
        add_passphrase(parser)
        parser.add_argument(
            "--verify", action="store_true", help="Read everything back and compare; 3 if other."
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        passphrase = passphrase_of(options["passphrase_env"])
        with reading(options["file"]) as file:
            done = restore.import_tenant(
                file, passphrase, slug=options["slug"], beside=options["beside"]
            )
        answer = {
            "id": done.place.row_id,
            "slug": done.place.ref.slug,
            "schema": done.place.ref.schema_name,
            "origin": done.head.tenant_id,
            "tables": done.tables,
            "rows": done.rows,
            "files": done.files,
            "raw_events": done.raw_events,
            "audit_broken_at": done.audit_broken_at,
        }
        if options["verify"]:
            with reading(options["file"]) as file:
                tenant = find_tenant(tenant_id=done.place.row_id)
                answer["verified"] = told(compare_archive(file, passphrase, tenant))
        return answer

    def is_different(self, answer: dict[str, Any]) -> bool:
        return bool(answer.get("verified", {}).get("different"))
