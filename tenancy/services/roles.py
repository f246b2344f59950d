"""Roles that a company makes for itself: a name and a list of permissions.

A role never holds more than an administrator may do, and nobody makes or changes one beyond their
own reach. Members keep the rank of the house role that covers theirs, which is what policies
for "managers" go by; owners never have a role of the company's own, so no role can lock them out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.schema import public_scope
from tenancy.models import Invitation, Membership, Role
from tenancy.permission_table import labels_of, with_needed
from tenancy.permissions import ALL_PERMISSIONS, GRANTABLE_PERMISSIONS, permissions_of, rank_of
from tenancy.services import audit
from tenancy.services.authority import check_reaches
from tenancy.services.seats import lock_seats

OWN_PREFIX = "own-"
MOST_ROLES = 50
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MANAGE = "members.manage"


@dataclass(frozen=True, slots=True)
class Choice:
    """A role as people choose it: one of the house's, or the company's own with its rank."""

    role: str
    custom_role: Role | None = None

    @property
    def permissions(self) -> frozenset[str]:
        own = self.custom_role.permissions if self.custom_role else None
        return permissions_of(self.role, own)

    @property
    def label(self) -> str:
        """The company's name for it, else the stable key of a house role."""
        return self.custom_role.name if self.custom_role else self.role


def choose(tenant_id: UUID, raw: str) -> Choice:
    """Return the role that `raw` names (`agent`, `own-7`); raises Invalid for anything else."""
    if raw in Membership.Role.values:
        return Choice(raw)
    number = raw.removeprefix(OWN_PREFIX)
    if raw.startswith(OWN_PREFIX) and number.isascii() and number.isdigit() and len(number) < 19:
        with public_scope():
            row = Role.objects.filter(tenant_id=tenant_id, pk=int(number)).first()
        if row:
            return Choice(rank_of(row.permissions), row)
    raise Invalid("role_unknown", _("There is no such role."), field="role")


def create_role(*, tenant_id: UUID, name: str, permissions: Iterable[str]) -> Role:
    """Make a role; what its permissions need is added to them."""
    name, wanted = _checked_name(name), _checked(permissions)
    with public_scope(), _name_refusals(), transaction.atomic():
        lock_seats(tenant_id)
        check_reaches(tenant_id, wanted, permission=_MANAGE)
        if Role.objects.filter(tenant_id=tenant_id).count() >= MOST_ROLES:
            message = _("There are already %(most)d roles. Delete one first.")
            raise Conflict("roles_too_many", message % {"most": MOST_ROLES})
        role = Role.objects.create(tenant_id=tenant_id, name=name, permissions=sorted(wanted))
        _record("role.created", role, permissions=[[], labels_of(wanted)])
    return role


def update_role(*, tenant_id: UUID, role_id: int, name: str, permissions: Iterable[str]) -> Role:
    """Rename a role and change what it may do, at once for everybody who has it."""
    name, wanted = _checked_name(name), _checked(permissions)
    with public_scope(), _name_refusals(), transaction.atomic():
        lock_seats(tenant_id)
        role = _locked(tenant_id, role_id)
        before = frozenset(role.permissions)
        check_reaches(tenant_id, wanted, before, permission=_MANAGE)
        changes: dict[str, list[Any]] = {}
        if role.name != name:
            changes["name"] = [role.name, name]
        if before != wanted:
            changes["permissions"] = [labels_of(before - wanted), labels_of(wanted - before)]
        if not changes:
            return role
        role.name, role.permissions = name, sorted(wanted)
        role.save(update_fields=["name", "permissions", "updated_at"])
        rank = rank_of(wanted)
        Membership.objects.filter(custom_role=role).update(role=rank)
        Invitation.objects.filter(custom_role=role).update(role=rank)
        _record("role.changed", role, **changes)
    return role


def delete_role(*, tenant_id: UUID, role_id: int, successor: str = "") -> None:
    """Delete a role; whoever has it, or is invited with it, gets `successor` instead."""
    with public_scope(), transaction.atomic():
        lock_seats(tenant_id)
        role = _locked(tenant_id, role_id)
        check_reaches(tenant_id, frozenset(role.permissions), permission=_MANAGE)
        members = list(Membership.objects.filter(custom_role=role).select_related("user"))
        invited = Invitation.objects.filter(custom_role=role)
        if members or invited.exists():
            heir = _successor(tenant_id, role, successor)
            _move(tenant_id, members, role, heir)
            invited.update(role=heir.role, custom_role=heir.custom_role)
        _record("role.deleted", role, permissions=[labels_of(role.permissions), []])
        role.delete()


def _successor(tenant_id: UUID, role: Role, raw: str) -> Choice:
    if not raw:
        message = _("People have this role. Choose the role that they get instead.")
        raise Conflict("role_in_use", message, field="successor")
    heir = choose(tenant_id, raw)
    if heir.role == Membership.Role.OWNER or heir.custom_role == role:
        message = _("Choose another role than this one and the owner's.")
        raise Invalid("role_unknown", message, field="successor")
    check_reaches(tenant_id, heir.permissions, permission=_MANAGE)
    return heir


def _move(tenant_id: UUID, members: list[Membership], role: Role, heir: Choice) -> None:
    for member in members:
        member.role, member.custom_role = heir.role, heir.custom_role
        member.save(update_fields=["role", "custom_role"])
        audit.record(
            "member.role_changed",
            object_type="member",
            object_id=member.pk,
            object_label=str(member.user),
            changes={"role": [role.name, heir.label]},
            tenant_id=tenant_id,
        )


def _locked(tenant_id: UUID, role_id: int) -> Role:
    role = Role.objects.select_for_update().filter(tenant_id=tenant_id, pk=role_id).first()
    if role is None:
        raise NotFound("role_unknown", _("There is no such role."))
    return role


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if not 1 <= len(text) <= 60 or _CONTROL.search(text):
        raise Invalid("invalid", _("Use 1 to 60 characters on one line."), field="name")
    house = [*Membership.Role.values, *Membership.Role.labels]
    if text.casefold() in {str(label).casefold() for label in house}:
        message = _("This is the name of a role that every company has.")
        raise Conflict("role_name_taken", message, field="name")
    return text


def _checked(permissions: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(permissions)
    if wanted - ALL_PERMISSIONS:
        raise Invalid("permission_unknown", _("Unknown permission."), field="permissions")
    if not wanted:
        message = _("Choose at least one permission.")
        raise Invalid("permission_missing", message, field="permissions")
    wanted = with_needed(wanted)
    if wanted - GRANTABLE_PERMISSIONS:
        message = _("Only owners may do this; no other role can hold it.")
        raise Invalid("permission_owners_only", message, field="permissions")
    return wanted


class _name_refusals:  # noqa: N801  (read as a block, like `suppress`)
    """Turn the broken uniqueness of names into a refusal that names its field."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and "tenancy_role_name_unique" in str(error):
            message = _("There is already a role with this name.")
            raise Conflict("role_name_taken", message, field="name") from error


def _record(action: str, role: Role, **changes: list[Any]) -> None:
    audit.record(
        action,
        object_type="role",
        object_id=role.pk,
        object_label=role.name,
        changes=dict(changes),
        tenant_id=role.tenant_id,
    )
