"""What operators enter about providers of the house."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from analytics.providers.inputs import MOST_A_MINUTE
from analytics.providers.price_list import CURRENCIES, MOST
from evosense.core.number_fields import WrittenDecimal, WrittenInteger


def _text(label: object, longest: int, *, required: bool = True) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget
    return forms.CharField(label=label, max_length=longest, required=required, widget=widget)  # type: ignore[arg-type]


def _rate(label: object) -> WrittenInteger:
    return WrittenInteger(
        label=label,  # type: ignore[arg-type]
        min_value=1,
        max_value=MOST_A_MINUTE,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )


def _price(label: object, *, required: bool = True) -> WrittenDecimal:
    return WrittenDecimal(
        label=label,  # type: ignore[arg-type]
        min_value=0,
        max_value=MOST,
        decimal_places=6,
        localize=True,
        required=required,
        widget=UnfoldAdminDecimalFieldWidget,
    )


class HouseProviderForm(forms.Form):
    """A provider of the house. The key is written and never shown."""

    name = _text(_("Name"), 80)
    base_url = _text(_("Address"), 300)
    api_key = forms.CharField(
        label=_("Key"),
        max_length=500,
        required=False,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "off"}),
        help_text=_("Stored encrypted and never shown again; empty keeps the one that is stored."),
    )
    chat_model = _text(_("Model for judgements"), 120, required=False)
    embedding_model = _text(_("Model for embeddings"), 120, required=False)
    transcription_model = _text(_("Model for recordings"), 120, required=False)
    is_matryoshka = forms.BooleanField(
        label=_("Longer vectors of this model may be cut (Matryoshka)"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    country = _text(_("Country"), 60, required=False)
    requests_per_minute = _rate(_("Requests a minute"))
    tokens_per_minute = _rate(_("Tokens a minute"))
    is_local = forms.BooleanField(
        label=_("Inside the installation"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Personal data does not leave by asking it."),
    )
    is_active = forms.BooleanField(
        label=_("Open to companies"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
    )


class HousePriceForm(forms.Form):
    """What a model of a provider of the house costs, for a million tokens."""

    model = _text(_("Model"), 120)
    valid_from = forms.DateField(
        label=_("Valid from"), initial=timezone.localdate, widget=UnfoldAdminSingleDateWidget
    )
    input_price = _price(_("Input"))
    cached_input_price = _price(_("Repeated input"), required=False)
    output_price = _price(_("Output"))
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(one, one) for one in CURRENCIES],
        widget=UnfoldAdminSelectWidget,
    )
