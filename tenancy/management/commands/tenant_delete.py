"""`tenant_delete`: a company goes, after its grace or at once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from evosense.core.schema import public_scope
from tenancy.management.output import JsonCommand
from tenancy.models import Tenant
from tenancy.services import deletion, life
from tenancy.services.tenants import find_tenant


class Command(JsonCommand):
    help = "Delete a company: after a grace in which it stands still, or now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--yes-delete", required=True, metavar="SLUG", help="The same once more."
        )
        parser.add_argument("--now", action="store_true", help="Without grace. Export it first.")
        parser.add_argument("--grace-days", type=int, default=life.GRACE_DAYS, metavar="N")

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["yes_delete"] != options["tenant"]:
            raise CommandError("--yes-delete: type the slug of --tenant again")
        tenant = find_tenant(slug=options["tenant"])
        days = 0 if options["now"] else options["grace_days"]
        if not _is_asked(tenant, now=options["now"]):
            life.ask_deletion(tenant.id, retyped=options["yes_delete"], grace_days=days)
        gone = options["now"] and deletion.carry_out(tenant.id)
        if options["now"] and not gone:
            raise CommandError("its last archive is being made; run this again")
        with public_scope():
            left = Tenant.objects.filter(pk=tenant.id).first()
        return {
            "id": tenant.id,
            "slug": tenant.slug,
            "state": "deleted" if left is None else "scheduled",
            "delete_after": left.delete_after if left else None,
        }


def _is_asked(tenant: Tenant, *, now: bool) -> bool:
    """Tell whether it is on its way already; `now` ends the rest of its grace."""
    if tenant.delete_after is None and tenant.state != Tenant.State.DELETING:
        return False
    if now:
        life.end_grace(tenant.id)
    return True
