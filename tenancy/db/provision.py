"""Makes tenant schemas by replaying recorded DDL: about a tenth of the time of migrations.

The statements are recorded once for each state of the migrations, in a schema that is thrown away,
and kept in `SchemaScript`. Replaying them, schema and state change are one transaction, so a
tenant is either ready with all its tables or has none.
"""

import logging
import re
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from evosense.core.ids import schema_name, uuid7
from evosense.core.schema import TenantRef, public_scope, tenant_scope
from tenancy.db.migrate import (
    all_atomic,
    create_schema,
    drop_schema,
    migrate_tenant,
    migration_digest,
)
from tenancy.db.recorder import bookkeeping, recording
from tenancy.models import SchemaScript, Tenant

logger = logging.getLogger(__name__)

_scripts: dict[str, list[str]] = {}
# A new schema has no rows and no readers, and is made in a transaction.
_CONCURRENTLY = re.compile(r"^((?:CREATE (?:UNIQUE )?|DROP )INDEX) CONCURRENTLY", re.IGNORECASE)


def provision(tenant_id: UUID) -> bool:
    """Give a tenant its schema and make it ready; False when it needs none.

    Safe to repeat and to run twice at once: the row is locked. After an error the tenant is
    `failed` with the reason, and the error goes on to the caller.
    """
    try:
        with public_scope():
            # Before the transaction: recording rolls its own back.
            statements = schema_script()
            with transaction.atomic():
                return _provision_locked(tenant_id, statements)
    except Exception as error:
        _mark_failed(tenant_id, error)
        raise


def _provision_locked(tenant_id: UUID, statements: list[str]) -> bool:
    tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
    if tenant.state not in {Tenant.State.PROVISIONING, Tenant.State.FAILED}:
        return False
    play(tenant.ref, statements)
    Tenant.objects.filter(pk=tenant_id).update(state=Tenant.State.READY, state_error="")
    return True


def _mark_failed(tenant_id: UUID, error: Exception) -> None:
    logger.error("provisioning failed", exc_info=error, extra={"tenant_id": str(tenant_id)})
    try:
        with public_scope(), transaction.atomic():
            Tenant.objects.filter(pk=tenant_id, state=Tenant.State.PROVISIONING).update(
                state=Tenant.State.FAILED, state_error=f"{type(error).__name__}: {error}"[:2000]
            )
    except DatabaseError:
        # The database itself is away: the state stays `provisioning` and the task is tried again.
        logger.warning("could not record the failure", extra={"tenant_id": str(tenant_id)})


def play(tenant: TenantRef, statements: list[str]) -> None:
    """Create the schema and run the script in it, statement by statement, in a transaction."""
    with transaction.atomic(), tenant_scope(tenant):
        create_schema(tenant)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def schema_script() -> list[str]:
    """Return the statements for the migrations on disk, recording them when nobody has yet."""
    digest = migration_digest()
    if digest not in _scripts:
        _scripts[digest] = _stored(digest) or _store(digest, record())
    return _scripts[digest]


def _stored(digest: str) -> list[str] | None:
    return SchemaScript.objects.filter(pk=digest).values_list("statements", flat=True).first()


def _store(digest: str, statements: list[str]) -> list[str]:
    # Two processes may have recorded at once; both scripts are equally good.
    SchemaScript.objects.bulk_create(
        [SchemaScript(digest=digest, statements=statements)], ignore_conflicts=True
    )
    return statements


def record() -> list[str]:
    """Migrate a schema that nobody sees, and return what that took."""
    sample = TenantRef(id=uuid7(), schema_name=schema_name(), slug="recording")
    if all_atomic():
        with transaction.atomic():
            statements = _record_in(sample)
            transaction.set_rollback(True)
        return statements
    # What must stand outside a transaction cannot be recorded in one. Should this process be
    # killed here, `tenants check` names the schema as one of nobody's.
    try:
        statements = _record_in(sample)
    finally:
        drop_schema(sample)
    return [_CONCURRENTLY.sub(r"\1", statement) for statement in statements]


def _record_in(sample: TenantRef) -> list[str]:
    create_schema(sample)
    with recording() as statements:
        migrate_tenant(sample)
        with tenant_scope(sample):
            statements.append(bookkeeping())
    return statements


def finish_provisioning() -> int:
    """Make the schemas that an interrupted or failed attempt left out; returns how many."""
    unfinished = [Tenant.State.PROVISIONING, Tenant.State.FAILED]
    done = 0
    with public_scope():
        tenants = list(Tenant.objects.filter(state__in=unfinished))
    for tenant in tenants:
        try:
            done += provision(tenant.id)
        except Exception:
            # One broken tenant must not keep the house from starting; its state tells why.
            logger.exception("still not provisioned", extra={"tenant_id": str(tenant.id)})
    return done
