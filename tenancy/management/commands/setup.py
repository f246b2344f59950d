"""`setup`: bring an installation up to date, whatever it had before. Safe to repeat."""

from typing import Any

from evosense.core.locks import named_lock
from evosense.core.schema import public_scope
from evosense.core.setup import run_setup_steps
from tenancy.db.fleet import finish_provisioning, migrate_fleet
from tenancy.db.migrate import migrate_public
from tenancy.db.provision import schema_script
from tenancy.management.output import JsonCommand


class Command(JsonCommand):
    help = "Migrate the shared schema and every company's, and run what apps need once a day."

    def answer(self, **options: Any) -> dict[str, Any]:  # noqa: ARG002
        # Several processes may start at once; the later ones find everything done.
        with public_scope(), named_lock("evosense.setup"):
            migrate_public()
            # Recorded now, so that the first sign-up after a release need not wait for it.
            schema_script()
            migrated = migrate_fleet()
            return {
                "migrated": migrated,
                "provisioned": finish_provisioning(),
                "steps": run_setup_steps(),
            }
