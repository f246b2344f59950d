"""Invitations: an open seat for one e-mail address, taken once by whoever holds its last letter.

Each function works in the shared schema and opens its own transaction. The lock order is company,
then invitation. Who invites is the actor of the context; nobody gives what they may not do.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, LimitReached, NotAllowed, NotFound
from evosense.core.ids import random_base62
from evosense.core.ratelimit import allow
from evosense.core.schema import public_scope
from tenancy.models import Invitation, Membership, Role, User
from tenancy.permissions import permissions_of
from tenancy.services import audit, links, mail, names, people, seats
from tenancy.services.authority import actor_user_id, check_reaches

PURPOSE = "invitation"
GOOD_FOR = timedelta(days=7)
# So that a company cannot be used to write to strangers.
LETTERS_AN_HOUR = 100
LETTER_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """A row of the list of people who have not answered yet."""

    id: UUID
    email: str
    role: str
    custom_role: str
    sent_at: object
    expires_at: object
    is_expired: bool


def invite(tenant_id: UUID, email: str, role: str, custom_role: Role | None = None) -> Invitation:
    """Reserve a seat and send the letter; the seat is free again after seven days."""
    email = people.checked_email(email)
    _check_letters(tenant_id)
    with public_scope(), transaction.atomic():
        seats.lock_seats(tenant_id)
        _check_role(tenant_id, role, custom_role)
        _check_not_known(tenant_id, email)
        seats.take_seat(tenant_id)
        now = timezone.now()
        invitation = Invitation.objects.create(
            tenant_id=tenant_id,
            email=email,
            role=role,
            custom_role=custom_role,
            nonce=random_base62(links.NONCE_LENGTH),
            invited_by_id=actor_user_id(),
            sent_at=now,
            expires_at=now + GOOD_FOR,
        )
        given = custom_role.name if custom_role else role
        _record("member.invited", invitation, role=[None, given])
        # It accepts by logging in, as any account does.
        people.reopen_stray(people.find_user(email))
        _send(invitation)
    return invitation


def resend(tenant_id: UUID, invitation_id: UUID) -> Invitation:
    """Send a fresh letter with seven new days; links of earlier letters end."""
    _check_letters(tenant_id)
    with public_scope(), transaction.atomic():
        seats.lock_seats(tenant_id)
        invitation = _open_one(tenant_id, invitation_id)
        now = timezone.now()
        if invitation.sent_at and now - invitation.sent_at < LETTER_EVERY:
            message = _("This invitation was sent a moment ago. Wait a minute.")
            raise Conflict("invitation_just_sent", message)
        _check_role(tenant_id, invitation.role, invitation.custom_role)
        if invitation.expires_at <= now:
            seats.take_seat(tenant_id)
        invitation.nonce = random_base62(links.NONCE_LENGTH)
        invitation.sent_at, invitation.expires_at = now, now + GOOD_FOR
        invitation.save(update_fields=["nonce", "sent_at", "expires_at"])
        _record("invitation.resent", invitation)
        _send(invitation)
    return invitation


def revoke(tenant_id: UUID, invitation_id: UUID) -> None:
    """Take the invitation back; its seat is free at once and its link leads nowhere."""
    with public_scope(), transaction.atomic():
        seats.lock_seats(tenant_id)
        check_reaches(tenant_id, permission="members.manage")
        invitation = _open_one(tenant_id, invitation_id)
        _close(invitation, Invitation.State.REVOKED)
        _record("invitation.revoked", invitation)


def open_invitations(tenant_id: UUID) -> list[OpenInvitation]:
    """Return who was invited and has not come, newest first, expired ones included."""
    now = timezone.now()
    with public_scope():
        rows = _open(tenant_id).select_related("custom_role").order_by("-created_at")
        return [
            OpenInvitation(
                id=row.pk,
                email=row.email,
                role=row.role,
                custom_role=row.custom_role.name if row.custom_role else "",
                sent_at=row.sent_at,
                expires_at=row.expires_at,
                is_expired=row.expires_at <= now,
            )
            for row in rows
        ]


def token_of(invitation: Invitation) -> str:
    """Return the token of the invitation's letter."""
    return links.row_token(PURPOSE, invitation.pk, invitation.nonce)


def read(token: str, *, tenant_id: UUID) -> Invitation:
    """Return the open invitation of this company that `token` belongs to, or raise why not."""
    found = links.read_row_token(PURPOSE, token)
    with public_scope():
        rows = Invitation.objects.select_related("tenant", "custom_role")
        row = rows.filter(pk=found[0], tenant_id=tenant_id).first() if found else None
    if row is None or found is None:
        raise NotFound("invitation_unknown", _("This invitation does not exist."))
    _check_usable(row, nonce=found[1])
    return row


def accept(
    token: str, *, tenant_id: UUID, user: User | None = None, name: str = "", password: str = ""
) -> Membership:
    """Make the invited person a member: `user`, whose identity is proven, or a new account.

    The link proves the e-mail address, not the person: an address that has an account needs `user`.
    """
    invitation = read(token, tenant_id=tenant_id)
    _check_person(invitation, user)
    name = names.clean_name(name, field="name", length=120) if user is None else ""
    with public_scope(), transaction.atomic():
        seats.lock_seats(tenant_id)
        _take(invitation)
        _check_member_fits(tenant_id)
        person = user or _new_account(invitation, name, password)
        people.mark_verified(person)
        Invitation.objects.filter(pk=invitation.pk).update(accepted_by_id=person.pk)
        return people.join(
            tenant_id=tenant_id,
            user=person,
            role=invitation.role,
            custom_role=invitation.custom_role,
        )


def _check_person(invitation: Invitation, user: User | None) -> None:
    if user is None and people.find_user(invitation.email):
        message = _("There is already an account with this e-mail. Log in to accept.")
        raise Conflict("account_exists", message, field="password")
    if user is not None and user.email != invitation.email:
        message = _("This invitation is for another e-mail address.")
        raise NotAllowed("invitation_other_person", message)
    if user is not None and not user.is_active:
        raise NotAllowed("account_closed", _("This account is closed."))


def _new_account(invitation: Invitation, name: str, password: str) -> User:
    tenant = invitation.tenant
    person = User(email=invitation.email, name=name)
    people.check_password(password, person, (tenant.name, tenant.slug))
    return people.create_user(email=invitation.email, password=password, name=name)


def _check_role(tenant_id: UUID, role: str, custom_role: Role | None) -> None:
    if role not in Membership.Role.values:
        raise Invalid("role_unknown", _("There is no such role."), field="role")
    # Read again under the lock: the role may have been deleted since it was chosen.
    own = Role.objects.filter(pk=custom_role.pk, tenant_id=tenant_id) if custom_role else None
    if own is not None and not own.exists():
        raise NotFound("role_unknown", _("There is no such role."), field="role")
    given = permissions_of(role, custom_role.permissions if custom_role else None)
    check_reaches(tenant_id, given, permission="members.manage")


def _check_letters(tenant_id: UUID) -> None:
    if not allow(f"t:{tenant_id}:limit:invitations", rate=LETTERS_AN_HOUR, per_seconds=3600):
        message = _("Too many invitations in one hour. Try again later.")
        raise LimitReached("invitations_too_many", message)


def _check_not_known(tenant_id: UUID, email: str) -> None:
    if Membership.objects.filter(tenant_id=tenant_id, user__email=email, is_active=True).exists():
        message = _("This person is already a member.")
        raise Conflict("member_exists", message, field="email")
    waiting = _open(tenant_id).filter(email=email).first()
    if waiting is None:
        return
    if waiting.expires_at > timezone.now():
        message = _("This person is already invited. Send the invitation again instead.")
        raise Conflict("invitation_open", message, field="email")
    _close(waiting, Invitation.State.REVOKED)


def _check_member_fits(tenant_id: UUID) -> None:
    """Raise LimitReached when members alone fill the seats, as after a change to a smaller plan."""
    now = seats.seats_of(tenant_id)
    if now.limit is not None and now.members >= now.limit:
        message = _("All seats of this company are taken. Ask whoever invited you.")
        raise LimitReached("seats_taken", message)


def _open(tenant_id: UUID) -> QuerySet[Invitation]:
    return Invitation.objects.filter(tenant_id=tenant_id, state=Invitation.State.OPEN)


def _open_one(tenant_id: UUID, invitation_id: UUID) -> Invitation:
    row = _open(tenant_id).filter(pk=invitation_id).select_related("custom_role").first()
    if row is None:
        raise NotFound("invitation_unknown", _("This invitation is not open any more."))
    return row


def _check_usable(row: Invitation, *, nonce: str) -> None:
    if row.state == Invitation.State.ACCEPTED:
        raise Conflict("invitation_used", _("This invitation was already accepted."))
    if row.state == Invitation.State.REVOKED:
        raise Conflict("invitation_revoked", _("This invitation was taken back."))
    if row.nonce != nonce:
        raise Conflict("invitation_replaced", _("There is a newer letter with another link."))
    if row.expires_at <= timezone.now():
        raise Conflict("invitation_expired", _("This invitation has expired."))


def _take(invitation: Invitation) -> None:
    """Accept it if it is still what we read; the loser of a race is told why."""
    still = Q(pk=invitation.pk, state=Invitation.State.OPEN, nonce=invitation.nonce)
    taken = Invitation.objects.filter(still, expires_at__gt=timezone.now()).update(
        state=Invitation.State.ACCEPTED, closed_at=timezone.now()
    )
    if not taken:
        _check_usable(Invitation.objects.get(pk=invitation.pk), nonce=invitation.nonce)
        raise Conflict("invitation_used", _("This invitation was already accepted."))


def _close(invitation: Invitation, state: Invitation.State) -> None:
    invitation.state, invitation.closed_at = state, timezone.now()
    invitation.save(update_fields=["state", "closed_at"])


def _send(invitation: Invitation) -> None:
    user = people.find_user(invitation.email)
    mail.post(
        "invitation",
        to=invitation.email,
        object_id=invitation.pk,
        tenant_id=invitation.tenant_id,
        locale=user.locale if user else "",
    )


def _record(action: str, invitation: Invitation, **changes: list[str | None]) -> None:
    audit.record(
        action,
        object_type="invitation",
        object_id=invitation.pk,
        object_label=invitation.email,
        changes=dict(changes),
        tenant_id=invitation.tenant_id,
    )
