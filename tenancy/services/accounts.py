"""What operators do about a person's account. Reasons are kept on the platform's trail."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.actor import current_actor
from evosense.core.errors import Conflict, NotAllowed, NotFound
from evosense.core.schema import public_scope
from tenancy.models import User
from tenancy.selectors.members import workspaces_of
from tenancy.services import audit, mail, mfa, sessions, stream_doors
from tenancy.services.upkeep import checked_reason


def deactivate(user_id: int, *, reason: str) -> None:
    """Close an account everywhere and end its sessions; one's own must stay open."""
    reason = checked_reason(reason)
    with public_scope(), transaction.atomic():
        user = _locked(user_id)
        if str(user_id) == current_actor().id:
            raise NotAllowed("own_account", _("Somebody else must do this to your own account."))
        if not user.is_active:
            raise Conflict("inactive", _("This account is deactivated already."))
        User.objects.filter(pk=user_id).update(is_active=False)
        _note("user.deactivated", user, reason=reason)
        sessions.end_all(user, reason="account deactivated")
        stream_doors.show_out_everywhere(user_id)


def reactivate(user_id: int, *, reason: str) -> None:
    """Open a closed account again."""
    reason = checked_reason(reason)
    with public_scope(), transaction.atomic():
        user = _locked(user_id)
        if user.is_active:
            raise Conflict("active", _("This account is active."))
        User.objects.filter(pk=user_id).update(is_active=True)
        _note("user.reactivated", user, reason=reason)
        stream_doors.let_in_everywhere(user_id)


def reset_factors(user_id: int, *, reason: str) -> None:
    """Forget every second factor of somebody who lost all of them, and end the sessions."""
    reason = checked_reason(reason)
    with public_scope(), transaction.atomic():
        user = _locked(user_id)
        if str(user_id) == current_actor().id:
            raise NotAllowed("own_account", _("Somebody else must do this to your own account."))
        if not mfa.reset_factors(user):
            raise Conflict("no_factor", _("This person has no second factor."))
        _note("user.factors_reset", user, reason=reason)
        sessions.end_all(user, reason="second factor reset")


def send_reset_letter(user_id: int) -> None:
    """Send the letter with which a person sets a new password."""
    with public_scope(), transaction.atomic():
        user = _locked(user_id)
        if not user.is_active:
            raise Conflict("inactive", _("This account is deactivated."))
        if not workspaces_of(user_id):
            raise Conflict("no_company", _("This person belongs to no company."))
        mail.post("password_reset", to=user.email, object_id=user.pk, locale=user.locale)
        _note("user.reset_sent", user)


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound("user_not_found", _("There is no such person."))
    return user


def _note(action: str, user: User, **facts: str) -> None:
    audit.record(
        action,
        object_type="user",
        object_id=user.pk,
        object_label=user.email,
        changes={name: ["", value] for name, value in facts.items()},
    )
