"""Forms of the pages. Rules that must hold are the services'; these shape and bound the input."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import DomainError

LONGEST_REASON = 24


class ServiceForm(forms.Form):
    """A form whose service may refuse: the refusal is shown beside the field it names."""

    def refuse(self, error: DomainError) -> None:
        field = error.field if error.field in self.fields else None
        self.add_error(field, str(error.message))


class ContactNameForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=200, required=False, strip=True)


class MergeForm(ServiceForm):
    """`other` is the contact that goes; its id was checked when the page was drawn."""

    other = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(label=_("Reason"), max_length=LONGEST_REASON, required=False)


class ConnectionForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=80)
    instance = forms.CharField(label=_("Instance"), max_length=120)
    server_url = forms.CharField(label=_("Server address"), max_length=300, required=False)
    api_key = forms.CharField(
        label=_("API key"), max_length=500, required=False, widget=forms.PasswordInput
    )
    number = forms.CharField(label=_("Number"), max_length=40, required=False)

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class ConnectionNameForm(ServiceForm):
    name = forms.CharField(label=_("Name"), max_length=80)
