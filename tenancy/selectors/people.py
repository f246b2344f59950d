"""The people of a company as the settings show them: members by state, their factors, roles."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from allauth.mfa.models import Authenticator
from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid, NotFound
from evosense.core.schema import public_scope
from tenancy.models import Invitation, Membership, Role
from tenancy.permissions import ROLE_PERMISSIONS

PAGE = 50
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@dataclass(frozen=True, slots=True)
class Person:
    """One member as a list shows it."""

    id: int
    user_id: int
    name: str
    email: str
    role: str
    role_label: str
    is_active: bool
    has_second_factor: bool
    last_seen_at: datetime | None
    deactivated_at: datetime | None
    created_at: datetime

    @property
    def is_owner(self) -> bool:
        return self.role == Membership.Role.OWNER


@dataclass(frozen=True, slots=True)
class PeoplePage:
    rows: Sequence[Person]
    next: str | None


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    active: int
    invited: int
    inactive: int


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role that can be given, as a select offers it."""

    value: str
    label: str


def people_page(
    tenant_id: UUID, *, is_active: bool = True, q: str = "", cursor: str = "", limit: int = PAGE
) -> PeoplePage:
    """Return members by name, one query; `cursor` is `next` of the page before."""
    rows = _members(tenant_id).filter(is_active=is_active)
    words = q.replace("\x00", "").split()[:5]
    for word in words:
        rows = rows.filter(Q(user__name__icontains=word) | Q(user__email__icontains=word))
    if cursor:
        name, pk = _read_cursor(cursor)
        rows = rows.filter(Q(sort_name__gt=name) | Q(sort_name=name, pk__gt=pk))
    with public_scope():
        found = list(rows.order_by("sort_name", "pk")[: limit + 1])
    page = found[:limit]
    more = len(found) > limit
    following = _cursor(page[-1].sort_name, page[-1].pk) if more else None
    return PeoplePage([_person(row) for row in page], following)


def person_of(tenant_id: UUID, member_id: int) -> Person:
    """Return one member; raises NotFound for another company's."""
    with public_scope():
        row = _members(tenant_id).filter(pk=member_id).first()
    if row is None:
        raise NotFound("member_unknown", _("This person is not a member."))
    return _person(row)


def people_counts(tenant_id: UUID) -> PeopleCounts:
    """Return how many there are behind each tab."""
    with public_scope():
        members = Membership.objects.filter(tenant_id=tenant_id).aggregate(
            active=Count("pk", filter=Q(is_active=True)),
            inactive=Count("pk", filter=Q(is_active=False)),
        )
        invited = Invitation.objects.filter(
            tenant_id=tenant_id, state=Invitation.State.OPEN
        ).count()
    return PeopleCounts(members["active"], invited, members["inactive"])


def active_people(tenant_id: UUID, *, without_user_id: int | None = None) -> list[tuple[int, str]]:
    """Return (user id, name) of everybody active by name, for choosing an heir."""
    with public_scope():
        rows = _members(tenant_id).filter(is_active=True).exclude(user_id=without_user_id)
        return [(row.user_id, str(row.user)) for row in rows.order_by("sort_name", "pk")[:200]]


def role_choices(tenant_id: UUID, *, within: frozenset[str]) -> list[RoleChoice]:
    """Return the roles that somebody with the permissions `within` may give."""
    house = [
        RoleChoice(key, str(Membership.Role(key).label))
        for key, permissions in ROLE_PERMISSIONS.items()
        if permissions <= within
    ]
    with public_scope():
        own = list(Role.objects.filter(tenant_id=tenant_id).order_by(Lower("name")))
    return house[::-1] + [
        RoleChoice(f"own-{role.pk}", role.name) for role in own if set(role.permissions) <= within
    ]


def without_second_factor(tenant_id: UUID, *, roles: Sequence[str]) -> int:
    """Return how many active members with one of `roles` have not set up a second factor."""
    with public_scope():
        rows = _members(tenant_id).filter(is_active=True, role__in=roles, has_factor=False)
        return rows.count()


def _members(tenant_id: UUID) -> QuerySet[Any]:
    factors = Authenticator.objects.filter(user_id=OuterRef("user_id"), type__in=_FACTORS)
    return (
        Membership.objects.filter(tenant_id=tenant_id)
        .select_related("user", "custom_role")
        .annotate(
            has_factor=Exists(factors),
            sort_name=Lower(
                Coalesce(
                    NullIf(F("user__name"), Value("")),
                    F("user__email"),
                    output_field=CharField(),
                )
            ),
        )
    )


def _person(row: Any) -> Person:
    own = row.custom_role
    return Person(
        id=row.pk,
        user_id=row.user_id,
        name=row.user.name or row.user.email,
        email=row.user.email,
        role=f"own-{own.pk}" if own else row.role,
        role_label=own.name if own else str(Membership.Role(row.role).label),
        is_active=row.is_active,
        has_second_factor=row.has_factor,
        last_seen_at=row.last_seen_at,
        deactivated_at=row.deactivated_at,
        created_at=row.created_at,
    )


def _cursor(name: str, pk: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([name, pk])).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, int]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, pk = orjson.loads(raw)
    except (ValueError, TypeError, binascii.Error) as error:
        raise _not_a_cursor() from error
    if not isinstance(name, str) or "\x00" in name or type(pk) is not int or not 0 <= pk < 2**63:
        raise _not_a_cursor()
    return name, pk


def _not_a_cursor() -> Invalid:
    message = _("This cursor is not one that a list returned.")
    return Invalid("invalid_cursor", message, field="cursor")
