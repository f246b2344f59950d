"""The roles of a company beside those of the house: what each may do and who has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import Lower

from evosense.core.errors import NotFound
from evosense.core.schema import public_scope
from tenancy.models import Invitation, Membership, Role
from tenancy.permission_table import PermissionGroup, permission_groups
from tenancy.permissions import ROLE_PERMISSIONS, permissions_of


@dataclass(frozen=True, slots=True)
class RoleColumn:
    """One role of the matrix; `id` is None for a role of the house."""

    key: str
    label: str
    permissions: frozenset[str]
    people: int
    id: int | None = None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: Any
    help: Any
    marks: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class MatrixGroup:
    label: Any
    rows: Sequence[MatrixRow]


def role_columns(tenant_id: UUID) -> list[RoleColumn]:
    """Return the house's roles, the widest first, then the company's own by name; two queries."""
    with public_scope():
        counts = dict(
            Membership.objects.filter(tenant_id=tenant_id, is_active=True, custom_role=None)
            .values_list("role")
            .annotate(n=Count("pk"))
        )
        own = list(
            Role.objects.filter(tenant_id=tenant_id)
            .annotate(people=Count("memberships", filter=Q(memberships__is_active=True)))
            .order_by(Lower("name"))
        )
    house = [
        RoleColumn(key, str(Membership.Role(key).label), permissions, counts.get(key, 0))
        for key, permissions in reversed(ROLE_PERMISSIONS.items())
    ]
    return house + [_own_column(role) for role in own]


def role_column(tenant_id: UUID, role_id: int) -> RoleColumn:
    """Return one of the company's own roles; raises NotFound."""
    with public_scope():
        role = (
            Role.objects.filter(tenant_id=tenant_id, pk=role_id)
            .annotate(people=Count("memberships", filter=Q(memberships__is_active=True)))
            .first()
        )
    if role is None:
        raise NotFound("role_unknown", "There is no such role.")
    return _own_column(role)


def holders_of(role_id: int) -> tuple[list[str], int]:
    """Return the names of those who have a role, inactive ones too, and how many are invited."""
    with public_scope():
        members = Membership.objects.filter(custom_role_id=role_id).select_related("user")
        names = [str(member.user) for member in members.order_by("pk")[:50]]
        invited = Invitation.objects.filter(
            custom_role_id=role_id, state=Invitation.State.OPEN
        ).count()
    return names, invited


def matrix(columns: Sequence[RoleColumn]) -> list[MatrixGroup]:
    """Return the permission table with a mark for each role."""
    return [_group(group, columns) for group in permission_groups()]


def _group(group: PermissionGroup, columns: Sequence[RoleColumn]) -> MatrixGroup:
    rows = [
        MatrixRow(
            label=one.label,
            help=one.help,
            marks=[(column.label, one.name in column.permissions) for column in columns],
        )
        for one in group.permissions
    ]
    return MatrixGroup(group.label, rows)


def _own_column(role: Any) -> RoleColumn:
    return RoleColumn(
        key=f"own-{role.pk}",
        label=role.name,
        permissions=permissions_of("", role.permissions),
        people=role.people,
        id=role.pk,
    )
