from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenancy.models import User


class LoginForm(forms.Form):
    """E-mail and password; what is wrong with them is said for both together."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    password = forms.CharField(
        label=_("Password"), max_length=128, strip=False, widget=forms.PasswordInput
    )


class PreferencesForm(forms.Form):
    """What a person sets for themselves; each field may come alone."""

    theme = forms.ChoiceField(choices=User.Theme.choices, required=False)
    language = forms.ChoiceField(choices=[("", ""), *settings.LANGUAGES], required=False)


class WorkspaceForm(forms.Form):
    """The public host asks only where to go."""

    slug = forms.SlugField(label=_("Address of your company"), max_length=40)
