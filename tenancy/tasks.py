"""Tasks about tenants as such; they see the shared schema only."""

import hashlib
import logging
import time
from typing import Any
from uuid import UUID

from celery import current_app, shared_task

from evosense.core.errors import DomainError
from evosense.core.schema import TENANT_HEADER, current_tenant, public_scope
from evosense.core.streams import redis_client
from tenancy.db import provision, tickets  # noqa: F401  (tickets registers its tasks)
from tenancy.db.fleet import run
from tenancy.models import Tenant
from tenancy.services import (
    archives,
    audit_chain,
    deletion,
    domains,
    life,
    mail,
    sessions,
    sign_ups,
    support,
    throttle,
)
from tenancy.services.kick import kick

logger = logging.getLogger(__name__)


@shared_task(
    name="tenancy.provision_tenant",
    tenant_required=False,
    autoretry_for=(Exception,),
    retry_backoff=5,
    max_retries=5,
)
def provision_tenant(tenant_id: str) -> None:
    """Make a new tenant's schema; its state tells the page that waits."""
    provision.provision(UUID(tenant_id))


@shared_task(name="tenancy.finish_provisioning", tenant_required=False)
def finish_provisioning() -> None:
    """Try again what was interrupted or failed."""
    provision.finish_provisioning()


@shared_task(name="tenancy.migrate_fleet", tenant_required=False, acks_late=False, expires=3600)
def migrate_fleet(slug: str = "", *, resume: bool = False) -> None:
    """Migrate one company, or go on with the last run; its rows tell how it went.

    Acknowledged at once: a run that was cut off is for a person to look at, not to be begun again.
    """
    try:
        run.migrate_fleet(slug=slug, resume=resume)
    except DomainError as error:
        logger.warning("no migration of companies: %s", error.message)


@shared_task(name="tenancy.deliver_mail", tenant_required=False, expires=600)
def deliver_mail(mail_id: str) -> None:
    """Send one letter now; the sweep sends it when this message is lost."""
    mail.deliver(UUID(mail_id))


@shared_task(name="tenancy.sweep_mail", tenant_required=False, expires=55)
def sweep_mail() -> None:
    """Send what is due."""
    mail.sweep()


@shared_task(name="tenancy.purge_front_door", tenant_required=False)
def purge_front_door() -> None:
    """Forget old letters and what nobody confirmed."""
    mail.purge()
    sign_ups.purge()


@shared_task(name="tenancy.purge_log_ins", tenant_required=False)
def purge_log_ins() -> None:
    """Forget sessions that are over and failures that no longer count."""
    sessions.purge()
    throttle.purge()


@shared_task(name="tenancy.fan_out", tenant_required=False, expires=55)
def fan_out(task: str, minutes: int) -> None:
    """Start `task` once in `minutes` for each ready tenant; beat calls this every minute.

    Each tenant has its own minute of the period, so that the load is even without delayed messages,
    which workers would hold in memory. Minutes in which beat was away are made up for.
    """
    turns = due_turns(task, minutes, now=time.time())
    with public_scope():
        ids = Tenant.objects.filter(state=Tenant.State.READY).values_list("pk", flat=True)
        for tenant_id in ids.iterator(chunk_size=500):
            if turn_of(tenant_id, minutes) in turns:
                current_app.tasks[task].apply_async(
                    headers={TENANT_HEADER: str(tenant_id)}, expires=minutes * 60
                )


def due_turns(task: str, minutes: int, *, now: float) -> set[int]:
    """Return the turns since the last call, at most one period, and note this call."""
    minute = int(now // 60)
    key = f"g:fanout:{task}"
    client: Any = redis_client()
    last = client.set(key, minute, get=True)
    first = max(int(last) + 1, minute - minutes + 1) if last else minute
    return {each % minutes for each in range(first, minute + 1)}


def turn_of(tenant_id: UUID, minutes: int) -> int:
    """Return the tenant's own minute of the period."""
    return int.from_bytes(hashlib.sha256(tenant_id.bytes).digest()[:8], "big") % minutes


@shared_task(name="tenancy.end_support", tenant_required=False, expires=55)
def end_support() -> None:
    """Close support accesses whose time is over."""
    support.end_expired()


@shared_task(name="tenancy.tend_companies", tenant_required=False, expires=55)
def tend_companies() -> None:
    """Close ended trials, go on with archives, and start the deletions that are due."""
    life.end_trials()
    archives.sweep()
    for tenant_id in deletion.due():
        kick("tenancy.delete_company", tenant_id=str(tenant_id))


@shared_task(name="tenancy.make_archive", tenant_required=False)
def make_archive(archive_id: str) -> None:
    """Write an archive that somebody asked for; its row tells how far it is."""
    archives.make(UUID(archive_id))


@shared_task(name="tenancy.delete_company", tenant_required=False, expires=600)
def delete_company(tenant_id: str) -> None:
    """Delete a company whose grace is over, from wherever an earlier attempt got to."""
    deletion.carry_out(UUID(tenant_id))


@shared_task(name="tenancy.sweep_remains", tenant_required=False)
def sweep_remains() -> None:
    """Remove what arrived late for companies that are gone."""
    deletion.sweep_remains()


@shared_task(name="tenancy.recheck_domains", tenant_required=False, expires=3000)
def recheck_domains() -> None:
    """Look for the proofs of custom domains whose turn it is."""
    domains.recheck_domains()


@shared_task(name="tenancy.forget_old_audit", tenant_required=False, expires=3600)
def forget_old_audit() -> None:
    """Remove audit entries after two years; the worker is the owner, the application may not."""
    audit_chain.forget_old()


@shared_task(name="tenancy.anchor_audit", expires=3600)
def anchor_audit() -> None:
    """Check this company's trail and leave its newest seal in the log; once a night."""
    audit_chain.anchor(current_tenant().id)
