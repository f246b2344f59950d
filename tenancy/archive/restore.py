"""Import as a whole, and the change of names that puts a restored copy in its company's place."""

import time
from dataclasses import dataclass
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict
from evosense.core.schema import database_cursor, public_scope
from tenancy.archive.importing import Imported, fill, open_archive
from tenancy.archive.places import MARK, BesidePlace, OwnPlace, Place, mark_owner, owner_of
from tenancy.db.fingerprint import structures
from tenancy.models import Tenant
from tenancy.selectors.hosts import MEMORY_SECONDS, forget_hosts
from tenancy.services import audit
from tenancy.services.tenants import find_tenant

# Other processes remember where a company's tables are for this long.
SETTLE_SECONDS = MEMORY_SECONDS + 5.0
_SLUG_LENGTH = 40


@dataclass(frozen=True)
class Swapped:
    slug: str
    schema_name: str
    before: str


def import_tenant(
    source: BinaryIO, passphrase: str, *, slug: str = "", beside: str = ""
) -> Imported:
    """Create a company from an archive, or with `beside` a copy next to the one of that slug."""
    head, found = open_archive(source, passphrase)
    place: Place
    if beside:
        owner = find_tenant(slug=beside).ref
        place = BesidePlace(head, slug or f"{beside[: _SLUG_LENGTH - 9]}-restored", owner)
    else:
        place = OwnPlace(head, slug or head.tenant["slug"])
    done = fill(head, found, place)
    forget_hosts()
    return done


def swap(*, slug: str, with_slug: str, wait: float = SETTLE_SECONDS) -> Swapped:
    """Exchange the schemas of a company and of the copy that was restored beside it.

    The company stands still before, so that no process goes on writing into the old tables; its
    webhooks are stored meanwhile and applied to the new ones. Interrupted, it can be run again.
    """
    company, copy = find_tenant(slug=slug), find_tenant(slug=with_slug)
    _check_pair(company, copy)
    with public_scope():
        usable = Tenant.objects.filter(
            pk=company.pk, state__in=[Tenant.State.READY, Tenant.State.MOVING]
        )
        if not usable.update(state=Tenant.State.MOVING):
            message = _("%(slug)s is being prepared or deleted.") % {"slug": slug}
            raise Conflict("swap_not_ready", message, field="tenant")
    forget_hosts()
    time.sleep(max(0.0, wait))
    swapped = _exchange(company, copy)
    forget_hosts()
    return swapped


def interrupted_swaps() -> list[str]:
    """Return the companies that stand still because a swap ended half-way; repeat it.

    One that is at work is among them for the half minute that it takes. Copies beside are not:
    they belong to another company, as their schemas say.
    """
    with public_scope(), database_cursor() as cursor:
        cursor.execute(
            "SELECT slug FROM tenancy_tenant LEFT JOIN pg_namespace ON nspname = schema_name"
            " WHERE state = %s AND coalesce(obj_description(pg_namespace.oid, 'pg_namespace'), '')"
            " IN ('', %s::text || id) ORDER BY slug",
            [Tenant.State.MOVING, MARK],
        )
        return [str(slug) for (slug,) in cursor.fetchall()]


def _check_pair(company: Tenant, copy: Tenant) -> None:
    if copy.state != Tenant.State.MOVING or owner_of(copy.schema_name) != company.id:
        shown = {"copy": copy.slug, "slug": company.slug}
        refusal = _("%(copy)s is not a restored copy of %(slug)s.") % shown
        raise Conflict("swap_not_a_copy", refusal, field="with")
    shapes = structures([company.schema_name, copy.schema_name])
    if shapes.get(company.schema_name) != shapes.get(copy.schema_name):
        message = _("The two have different tables: bring both to the same version first.")
        raise Conflict("compare_other_tables", message, field="with")


def _exchange(company: Tenant, copy: Tenant) -> Swapped:
    with public_scope(), transaction.atomic():
        both = Tenant.objects.select_for_update().in_bulk([company.pk, copy.pk])
        old, new = both[company.pk].schema_name, both[copy.pk].schema_name
        if (old, new) != (company.schema_name, copy.schema_name):
            raise Conflict("swap_changed", _("Somebody else has just swapped these two."))
        # Schema names are unique at every moment, so one of them is set aside first.
        Tenant.objects.filter(pk=copy.pk).update(schema_name=f"{new}_x")
        Tenant.objects.filter(pk=company.pk).update(schema_name=new, state=Tenant.State.READY)
        Tenant.objects.filter(pk=copy.pk).update(schema_name=old)
        mark_owner(old, company.id)
        mark_owner(new, company.id)
        audit.record(
            "tenant.swapped",
            object_type="tenant",
            object_id=company.pk,
            object_label=company.slug,
            changes={"schema": [old, new]},
            tenant_id=company.pk,
        )
    return Swapped(company.slug, new, old)
