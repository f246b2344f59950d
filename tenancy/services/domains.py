"""Host names of a company's own: claimed by anybody, active only by proof, lost without it.

Two companies may claim one name. What decides is the TXT record, which only the name's owner can
write; the database lets one row be active. A name that is pending or lost leads nowhere.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, LimitReached, NotFound
from evosense.core.ids import random_token
from evosense.core.schema import public_scope
from tenancy.dns import DnsAwayError, TextResolver, resolver
from tenancy.models import Domain
from tenancy.selectors.hosts import forget_hosts
from tenancy.services import audit
from tenancy.services.host_names import checked_host

PREFIX = "_evosense"
MOST = 5
# A proof that was there is looked for again after a week; one that was not, every day.
EVERY = timedelta(days=7)
AGAIN = timedelta(days=1)
FAILURES = 3


def add_domain(tenant_id: UUID, *, host: str) -> Domain:
    """Claim a host name; it does nothing until its proof is seen."""
    name = checked_host(host)
    with public_scope(), transaction.atomic():
        own = Domain.objects.filter(tenant_id=tenant_id, is_custom=True)
        if own.count() >= MOST:
            message = _("A company can have five addresses of its own.")
            raise LimitReached("domains_full", message, field="host")
        try:
            with transaction.atomic():
                domain: Domain = Domain.objects.create(
                    tenant_id=tenant_id,
                    domain=name,
                    is_primary=False,
                    is_custom=True,
                    state=Domain.State.PENDING,
                    proof=random_token(),
                )
        except IntegrityError as error:
            if "tenancy_domain_once" not in str(error):
                raise
            message = _("This address is in your list already.")
            raise Conflict("host_exists", message, field="host") from error
        _note("domain.added", domain)
    return domain


def remove_domain(tenant_id: UUID, domain_id: int) -> None:
    """Give a host name up; it leads nowhere from now on."""
    with public_scope(), transaction.atomic():
        domain = _own(tenant_id, domain_id)
        _note("domain.removed", domain)
        domain.delete()
    forget_hosts()


def verify_domain(tenant_id: UUID, domain_id: int, *, ask: TextResolver | None = None) -> Domain:
    """Look for the proof now and make the name active; raises what people can put right."""
    with public_scope():
        domain = _own(tenant_id, domain_id)
    try:
        texts = (ask or resolver()).texts(record_name(domain))
    except DnsAwayError as error:
        message = _("The name servers did not answer. Try again in some minutes.")
        raise Conflict("dns_away", message) from error
    if domain.proof not in texts:
        _count_look(domain)
        message = _("The TXT record is not there yet. New records can take an hour to be seen.")
        raise Invalid("proof_missing", message)
    _activate(domain, texts)
    forget_hosts()
    domain.refresh_from_db()
    return domain


def recheck_domains(*, ask: TextResolver | None = None, limit: int = 500) -> dict[str, int]:
    """Look for the proofs of active names again; the third time without one a name is lost."""
    counts = {"kept": 0, "missing": 0, "lost": 0, "unknown": 0}
    looker = ask or resolver()
    for domain in _due(limit):
        try:
            found = domain.proof in looker.texts(record_name(domain))
        except DnsAwayError:
            # Our own name servers may be away; a customer's pages do not go with them.
            counts["unknown"] += 1
            continue
        counts[_settle(domain, found=found)] += 1
    if counts["lost"]:
        forget_hosts()
    return counts


def record_name(domain: Domain) -> str:
    """Return where the proof stands."""
    return f"{PREFIX}.{domain.domain}"


def _own(tenant_id: UUID, domain_id: int) -> Domain:
    domain: Domain | None = Domain.objects.filter(
        pk=domain_id, tenant_id=tenant_id, is_custom=True
    ).first()
    if domain is None:
        raise NotFound("domain_not_found", _("This address is not in your list."))
    return domain


def _activate(domain: Domain, texts: Sequence[str]) -> None:
    now = timezone.now()
    with public_scope(), transaction.atomic():
        _drop_rival(domain, texts)
        try:
            with transaction.atomic():
                changed = Domain.objects.filter(pk=domain.pk).update(
                    state=Domain.State.ACTIVE, verified_at=now, checked_at=now, failures=0
                )
        except IntegrityError as error:
            if "tenancy_domain_one_active" not in str(error):
                raise
            raise _taken() from error
        if changed and domain.state != Domain.State.ACTIVE:
            _note("domain.verified", domain, to=Domain.State.ACTIVE)


def _drop_rival(domain: Domain, texts: Sequence[str]) -> None:
    """Take the name from a company whose proof is gone; one whose proof stands keeps it."""
    rivals = Domain.objects.select_for_update().filter(
        domain=domain.domain, state=Domain.State.ACTIVE
    )
    for rival in rivals.exclude(pk=domain.pk):
        if not rival.is_custom or rival.proof in texts:
            raise _taken()
        Domain.objects.filter(pk=rival.pk).update(
            state=Domain.State.LOST, checked_at=timezone.now()
        )
        _note("domain.lost", rival, to=Domain.State.LOST)


def _due(limit: int) -> list[Domain]:
    now = timezone.now()
    due = Q(failures=0, checked_at__lt=now - EVERY) | Q(failures__gt=0, checked_at__lt=now - AGAIN)
    with public_scope():
        active = Domain.objects.filter(due, is_custom=True, state=Domain.State.ACTIVE)
        return list(active.order_by("checked_at")[:limit])


def _settle(domain: Domain, *, found: bool) -> str:
    now = timezone.now()
    with public_scope(), transaction.atomic():
        # Only as it was read: a check by hand may have come in between.
        same = Domain.objects.filter(
            pk=domain.pk, state=Domain.State.ACTIVE, failures=domain.failures
        )
        if found:
            same.update(checked_at=now, failures=0)
            return "kept"
        failures = domain.failures + 1
        is_lost = failures >= FAILURES
        state = Domain.State.LOST if is_lost else Domain.State.ACTIVE
        if same.update(checked_at=now, failures=failures, state=state) and is_lost:
            _note("domain.lost", domain, to=Domain.State.LOST)
        return "lost" if is_lost else "missing"


def _count_look(domain: Domain) -> None:
    with public_scope():
        Domain.objects.filter(pk=domain.pk).update(checked_at=timezone.now())


def _taken() -> Conflict:
    message = _("Another company has proved that this address is its own.")
    return Conflict("host_taken", message)


def _note(action: str, domain: Domain, *, to: str = "") -> None:
    audit.record(
        action,
        tenant_id=domain.tenant_id,
        object_type="domain",
        object_id=domain.pk,
        object_label=domain.domain,
        changes={"state": [domain.state, to]} if to else {},
    )
