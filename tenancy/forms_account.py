"""What people enter about themselves."""

from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenancy.models import User


def zone_choices() -> list[tuple[str, str]]:
    """Return the zones that people live in, by name."""
    named = sorted(zone for zone in available_timezones() if "/" in zone)
    left_out = ("Etc/", "posix/", "right/", "SystemV/", "US/")
    zones = [zone for zone in named if not zone.startswith(left_out)]
    return [(zone, zone.replace("_", " ")) for zone in zones]


class ProfileForm(forms.Form):
    """Name and how pages look and count time for this person."""

    name = forms.CharField(label=_("Name"), max_length=120)
    locale = forms.ChoiceField(
        label=_("Language"), choices=[("", ""), *settings.LANGUAGES], required=False
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [("", ""), *zone_choices()], required=False
    )
    theme = forms.ChoiceField(label=_("Colours"), choices=User.Theme.choices)


class PasswordForm(forms.Form):
    """The present password and the new one; it may be pasted, so it is asked for once."""

    old = forms.CharField(label=_("Present password"), max_length=128, strip=False)
    new = forms.CharField(label=_("New password"), max_length=128, strip=False)


class EmailForm(forms.Form):
    """The address that letters and log-in shall use."""

    email = forms.EmailField(label=_("New e-mail"), max_length=254)
