"""Changing people of a company: roles, ownership, leaving and coming back.

Each act takes the lock of the company's people first and reads the actor's permissions under it,
so that two owners who demote each other at once do so one after the other, and one remains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core import handover
from evosense.core.errors import Conflict, Invalid, NotAllowed, NotFound
from evosense.core.schema import public_scope
from tenancy.models import ApiKey, Membership
from tenancy.permissions import permissions_of
from tenancy.selectors.members import permissions_of_member
from tenancy.services import audit, mail, roles, stream_doors
from tenancy.services.authority import actor_user_id, check_reaches
from tenancy.services.seats import lock_seats, take_seat

_MANAGE = "members.manage"
_OWNER = Membership.Role.OWNER


@dataclass(frozen=True, slots=True)
class Parting:
    """What becomes of a person's things: an heir's user id for each kind; keys move or end."""

    heirs: Mapping[str, int | None] = field(default_factory=dict)
    keys_to_user_id: int | None = None


def change_role(*, tenant_id: UUID, member_id: int, role: str) -> Membership:
    """Give a member the role that `role` names; never takes the last owner away."""
    with public_scope(), transaction.atomic():
        lock_seats(tenant_id)
        member = _locked(tenant_id, member_id)
        chosen = roles.choose(tenant_id, role)
        own = permissions_of_member(member)
        check_reaches(tenant_id, own, chosen.permissions, permission=_MANAGE)
        before = role_label(member)
        if (member.role, member.custom_role) == (chosen.role, chosen.custom_role):
            return member
        if chosen.role != _OWNER:
            _check_owner_remains(member)
        member.role, member.custom_role = chosen.role, chosen.custom_role
        member.save(update_fields=["role", "custom_role"])
        _record("member.role_changed", member, role=[before, chosen.label])
    return member


def transfer_ownership(*, tenant_id: UUID, member_id: int) -> None:
    """Make an active member the owner in place of the acting one, who stays an administrator."""
    with public_scope(), transaction.atomic():
        lock_seats(tenant_id)
        check_reaches(tenant_id, permissions_of(_OWNER), permission="workspace.delete")
        heir = _locked(tenant_id, member_id)
        giver = Membership.objects.select_related("user").get(
            tenant_id=tenant_id, user_id=actor_user_id() or 0, is_active=True
        )
        if not heir.is_active or heir.pk == giver.pk:
            message = _("Choose another active person.")
            raise Conflict("owner_unfit", message, field="member")
        before = role_label(heir)
        heir.role, heir.custom_role = _OWNER, None
        giver.role = Membership.Role.ADMIN
        heir.save(update_fields=["role", "custom_role"])
        giver.save(update_fields=["role"])
        _record("member.ownership_transferred", heir, role=[before, str(_OWNER)])
        _record("member.role_changed", giver, role=[str(_OWNER), str(Membership.Role.ADMIN)])


def deactivate(*, tenant_id: UUID, member_id: int, parting: Parting) -> None:
    """End somebody's access at once and hand over what they hold. Runs in the company's schema."""
    with transaction.atomic():
        with public_scope():
            lock_seats(tenant_id)
            member = _locked(tenant_id, member_id)
            check_reaches(tenant_id, permissions_of_member(member), permission=_MANAGE)
            _check_may_leave(member)
            _check_heirs(member, [*parting.heirs.values(), parting.keys_to_user_id])
            keys = _settle_keys(member, parting.keys_to_user_id)
            member.is_active, member.deactivated_at = False, timezone.now()
            member.save(update_fields=["is_active", "deactivated_at"])
        # Outside of the shared schema: what is handed over are rows of the company's own.
        moved = handover.hand_over(member.user_id, parting.heirs)
        _record("member.deactivated", member, **keys, **_counted(moved))
        stream_doors.show_out(tenant_id, member.user_id)
        mail.post(
            "member_deactivated",
            to=member.user.email,
            object_id=member.pk,
            tenant_id=tenant_id,
            locale=member.user.locale,
        )


def reactivate(*, tenant_id: UUID, member_id: int) -> Membership:
    """Let somebody come back with the role that they had, when a seat is free."""
    with public_scope(), transaction.atomic():
        lock_seats(tenant_id)
        member = _locked(tenant_id, member_id)
        check_reaches(tenant_id, permissions_of_member(member), permission=_MANAGE)
        if member.is_active:
            raise Conflict("member_active", _("This person is active already."))
        take_seat(tenant_id)
        member.is_active, member.deactivated_at = True, None
        member.save(update_fields=["is_active", "deactivated_at"])
        _record("member.reactivated", member)
        stream_doors.let_in(tenant_id, member.user_id)
    return member


def personal_keys(*, tenant_id: UUID, user_id: int) -> int:
    """Return how many keys end with this person."""
    with public_scope():
        return int(_keys_of(tenant_id, user_id).count())


def role_label(member: Membership) -> str:
    """Return the company's name for the role, else the stable key of a house role."""
    return member.custom_role.name if member.custom_role else member.role


def _locked(tenant_id: UUID, member_id: int) -> Membership:
    member = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user", "custom_role")
        .filter(tenant_id=tenant_id, pk=member_id)
        .first()
    )
    if member is None:
        raise NotFound("member_unknown", _("This person is not a member."))
    return member


def _check_owner_remains(member: Membership) -> None:
    if member.role != _OWNER or not member.is_active:
        return
    others = Membership.objects.filter(
        tenant_id=member.tenant_id, role=_OWNER, is_active=True, user__is_active=True
    ).exclude(pk=member.pk)
    if not others.exists():
        message = _("This is the last owner. Make somebody else owner first.")
        raise Conflict("last_owner", message, field="role")


def _check_may_leave(member: Membership) -> None:
    if not member.is_active:
        raise Conflict("member_inactive", _("This person is deactivated already."))
    if member.user_id == actor_user_id():
        message = _("You cannot deactivate yourself. Ask another administrator.")
        raise NotAllowed("member_self", message)
    _check_owner_remains(member)


def _check_heirs(member: Membership, heirs: list[int | None]) -> None:
    wanted = {heir for heir in heirs if heir is not None}
    active = Membership.objects.filter(
        tenant_id=member.tenant_id, user_id__in=wanted, is_active=True
    ).exclude(pk=member.pk)
    if active.count() != len(wanted):
        message = _("Choose an active person of this company.")
        raise Invalid("heir_unknown", message, field="heir")


def _settle_keys(member: Membership, to_user_id: int | None) -> dict[str, list[Any]]:
    keys = _keys_of(member.tenant_id, member.user_id)
    if to_user_id is not None:
        moved = keys.update(created_by_id=to_user_id)
        return {"keys_moved": [0, moved]} if moved else {}
    ended = keys.update(revoked_at=timezone.now())
    return {"keys_ended": [0, ended]} if ended else {}


def _keys_of(tenant_id: UUID, user_id: int) -> Any:
    return ApiKey.objects.filter(
        tenant_id=tenant_id,
        created_by_id=user_id,
        is_service=False,
        revoked_at=None,
    )


def _counted(moved: Mapping[str, int]) -> dict[str, list[Any]]:
    return {f"{name}_moved": [0, count] for name, count in moved.items()}


def _record(action: str, member: Membership, **changes: list[Any]) -> None:
    audit.record(
        action,
        object_type="member",
        object_id=member.pk,
        object_label=str(member.user),
        changes=dict(changes),
        tenant_id=member.tenant_id,
    )
