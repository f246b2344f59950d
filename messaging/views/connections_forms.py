"""Forms of the connection pages. Rules that must hold are the services'."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.forms import ServiceForm
from messaging.services.lifecycle import InstanceSettings

LONGEST_WINDOW_DAYS = 30
MUTE_HOURS = ((1, _("1 hour")), (4, _("4 hours")), (24, _("1 day")), (168, _("7 days")))


class NewInstanceForm(ServiceForm):
    """A number that gets an instance of its own on a server."""

    server = forms.UUIDField(label=_("Server"))
    name = forms.CharField(label=_("Name"), max_length=80)
    number = forms.CharField(label=_("Number"), max_length=40, required=False)

    def refuse(self, error: Any) -> None:
        if error.field == "server_id":
            error.field = "server"
        super().refuse(error)


class AdoptForm(NewInstanceForm):
    """An instance that a server has already."""

    instance = forms.CharField(label=_("Instance"), max_length=120)
    # Its events go somewhere else now; the person knows and wants it.
    take_over = forms.BooleanField(required=False)


class ServerForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.CharField(label=_("Address"), max_length=300)
    api_key = forms.CharField(
        label=_("API key"), max_length=500, required=False, widget=forms.PasswordInput
    )


class InstanceSettingsForm(ServiceForm):
    """How an instance behaves on its server."""

    groups_ignore = forms.BooleanField(required=False)
    reject_call = forms.BooleanField(required=False)
    call_text = forms.CharField(label=_("Text for callers"), max_length=500, required=False)
    always_online = forms.BooleanField(required=False)
    read_messages = forms.BooleanField(required=False)
    read_status = forms.BooleanField(required=False)
    sync_full_history = forms.BooleanField(required=False)

    def wanted(self) -> InstanceSettings:
        return InstanceSettings(**self.cleaned_data)


class MuteForm(ServiceForm):
    """For how long alerts are silent; 0 lets them be heard again."""

    hours = forms.IntegerField(min_value=0, max_value=168)

    def until(self) -> datetime | None:
        hours = self.cleaned_data["hours"]
        return timezone.now() + timedelta(hours=hours) if hours else None


class RepairForm(ServiceForm):
    """A window of time: the last `days`, or between two moments on the company's clock."""

    days = forms.IntegerField(min_value=1, max_value=LONGEST_WINDOW_DAYS, required=False)
    since = forms.DateTimeField(label=_("From"), required=False)
    until = forms.DateTimeField(label=_("To"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if not self.errors and not values.get("days") and since is None:
            self.add_error("since", _("Say from when."))
        if since and until and until <= since:
            self.add_error("until", _("The end must come after the beginning."))
        return values

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        days = self.cleaned_data.get("days")
        # A minute less, because the service's clock is later than this one.
        since = now - timedelta(days=days, minutes=-1) if days else self.cleaned_data["since"]
        until = None if days else self.cleaned_data.get("until")
        return since, until or now
