"""What strangers fill in: sign-up, invitation, a new password."""

from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import DomainError


class FrontDoorForm(forms.Form):
    """A form whose last word have the services."""

    def refuse(self, error: DomainError) -> None:
        """Show what a service refused beside its field, else above the button."""
        field = error.field if error.field in self.fields else None
        self.add_error(field, error.message)


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was sent, also when it is nothing: a click on a button alone is an answer."""
    return request.POST if request.method == "POST" else None


def new_password_field(label: Any) -> forms.CharField:
    """Return a field for a password that is chosen here."""
    return forms.CharField(
        label=label, max_length=128, strip=False, widget=forms.PasswordInput, required=True
    )


class SignUpForm(FrontDoorForm):
    """A person and their company."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    company = forms.CharField(label=_("Name of your company"), max_length=160)
    slug = forms.CharField(label=_("Address of your company"), max_length=40)
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    password = new_password_field(_("Password"))
    terms = forms.BooleanField(
        error_messages={"required": _("Accept the terms of use to go on.")},
    )
    # Nobody sees it; programs that fill in every field do.
    website = forms.CharField(required=False)


class ConfirmForm(FrontDoorForm):
    """What may have to be chosen again between form and letter."""

    slug = forms.CharField(label=_("Address of your company"), max_length=40, required=False)
    password = forms.CharField(label=_("Password"), max_length=128, strip=False, required=False)


class JoinForm(FrontDoorForm):
    """A new person who accepts an invitation."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = new_password_field(_("Choose a password"))


class ProveForm(FrontDoorForm):
    """Somebody with an account who accepts an invitation."""

    password = new_password_field(_("Your password"))


class ForgotForm(FrontDoorForm):
    email = forms.EmailField(label=_("E-mail"), max_length=254)


class NewPasswordForm(FrontDoorForm):
    password = new_password_field(_("New password"))
