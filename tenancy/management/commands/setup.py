"""`setup`: bring an installation up to date, whatever it had before. Safe to repeat."""

from typing import Any

from evosense.core.locks import named_lock
from evosense.core.schema import public_scope
from evosense.core.setup import run_setup_steps
from tenancy.db.fleet.run import migrate_fleet
from tenancy.db.migrate import migrate_public
from tenancy.db.provision import finish_provisioning, schema_script
from tenancy.db.roles import seal_history
from tenancy.management.output import JsonCommand
from tenancy.management.verdicts import refuse_stopped


class Command(JsonCommand):
    help = "Migrate the shared schema and every company's, and run what apps need once a day."

    def answer(self, **options: Any) -> dict[str, Any]:  # noqa: ARG002
        # Several processes may start at once; the later ones find everything done.
        with public_scope(), named_lock("evosense.setup"):
            migrate_public()
            seal_history()
            # Recorded now, so that the first sign-up after a release need not wait for it.
            schema_script()
            report = migrate_fleet(wait=True)
            refuse_stopped(report)
            return {
                "migrated": report.migrated,
                # A few broken companies must not keep the house closed to all others.
                "failed": report.failed | report.broken,
                "differs": sorted(report.differs),
                "provisioned": finish_provisioning(),
                "steps": run_setup_steps(),
            }
